//! `oidc-register`: Dynamic Client Registration, from nothing to a `client_secrets.json`.

mod arguments;
mod client_secrets;
mod commands;
mod kept;
#[allow(dead_code, reason = "each program uses what it needs of it")]
#[path = "../shared/mod.rs"]
mod shared;

use std::{env, process::ExitCode};

use arguments::{Arguments, Command};
use shared::{http, secrets_file, terminal, terminal::Terminal, wrangler};

/// What argparse says to a command line that it can't use.
const WRONG_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let arguments = arguments::parse(env::args_os().skip(1), env::var_os("OIDC_INITIAL_ACCESS_TOKEN"));
    match arguments {
        Ok(arguments) => run(&arguments, &Terminal::new(arguments.debug)),
        Err(error) => {
            let terminal = Terminal::new(false);
            terminal.note(&format!("oidc-register: error: {error}"));
            terminal.note("next:  oidc-register --help");
            WRONG_ARGUMENTS.into()
        }
    }
}

fn run(arguments: &Arguments, terminal: &Terminal) -> ExitCode {
    let path = arguments.output_file.as_path();
    let done = match &arguments.command {
        Command::Help => {
            terminal.say(arguments::HELP.trim_end());
            Ok(())
        }
        Command::Version => {
            terminal.say(concat!("oidc-register ", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::Register { provider, application } => commands::register(provider, application, arguments, terminal),
        Command::Read => commands::read(path, terminal),
        Command::Update { application } => commands::update(application.as_deref(), arguments, terminal),
        Command::Delete => commands::delete(path, terminal),
        Command::Push => commands::push(path, terminal),
    };
    let Err(failure) = done else { return ExitCode::SUCCESS };
    // Flask-OIDC prints its one line on standard output, and scripts may read it there.
    terminal.say(&failure.headline);
    if let Some(cause) = failure.cause {
        terminal.note(&cause);
    }
    if let Some(cure) = failure.cure {
        terminal.note(&format!("next:  {cure}"));
    }
    ExitCode::FAILURE
}
