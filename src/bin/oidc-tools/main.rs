//! `oidc-tools`: what an operator needs beside the Worker. Each command reads the configuration as wrangler does and
//! judges by the Worker's own code.

mod arguments;
mod clock;
mod dev_vars;
mod doctor;
mod explain;
mod failure;
mod jsonc;
mod paint;
mod setup;
#[allow(dead_code, reason = "each program uses what it needs of it")]
#[path = "../shared/mod.rs"]
mod shared;
mod site;

use std::{env, process::ExitCode};

use arguments::UsageError;
use failure::Failure;
use lexopt::{Arg, Parser, ValueExt as _};
use shared::{secrets_file, terminal::Terminal, wrangler};

const HELP: &str = "\
usage: oidc-tools COMMAND [OPTIONS]

  setup     from a provider, a site and an origin to what can be deployed
  explain   which rule decides about a request, and why
  doctor    looks at everything that can be wrong, and says what to do about it

oidc-tools COMMAND --help says more.
";

/// What argparse says to a command line that it can't use.
const WRONG_ARGUMENTS: u8 = 2;

fn main() -> ExitCode {
    let terminal = Terminal::new(false);
    match run(&terminal) {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            terminal.note(&format!("error: {failure}"));
            if let Some(cure) = failure.cure {
                terminal.note(&format!("next:  {cure}"));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            terminal.note(&format!("oidc-tools: error: {error}"));
            terminal.note("next:  the same with --help");
            WRONG_ARGUMENTS.into()
        }
    }
}

fn run(terminal: &Terminal) -> Result<Result<ExitCode, Failure>, UsageError> {
    let mut parser = Parser::from_env();
    let help = |text: &str| {
        terminal.say(text.trim_end());
        Ok(Ok(ExitCode::SUCCESS))
    };
    let command = match parser.next()? {
        None | Some(Arg::Long("help") | Arg::Short('h')) => return help(HELP),
        Some(Arg::Long("version")) => return help(concat!("oidc-tools ", env!("CARGO_PKG_VERSION"))),
        Some(Arg::Value(command)) => command.string()?,
        Some(other) => return Err(other.unexpected().into()),
    };
    match command.as_str() {
        "setup" => match setup::Options::parse(&mut parser, env::var("OIDC_CLIENT_SECRET").ok())? {
            Some(options) => Ok(setup::run(&options)),
            None => help(&setup::help()),
        },
        "explain" => match explain::Options::parse(&mut parser)? {
            Some(options) => Ok(explain::run(&options)),
            None => help(&explain::help()),
        },
        "doctor" => match doctor::Options::parse(&mut parser)? {
            Some(options) => Ok(doctor::run(&options)),
            None => help(&doctor::help()),
        },
        other => Err(UsageError(format!("unknown command {other}"))),
    }
}
