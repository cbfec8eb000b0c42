//! What the command lines have in common.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt as _};

pub(crate) use crate::shared::usage::UsageError;
use crate::site::Files;

/// The options of [`files`], for every `--help`.
pub(crate) const FILES_HELP: &str = "
  --config FILE         the configuration (wrangler.toml)
  --env NAME            an environment of it (CLOUDFLARE_ENV)
  --secrets-file FILE   NAME=value lines or JSON (.dev.vars beside the configuration)
  --debug               tells what is sent and received, without secrets
  --help                this text

Exit codes: 0 good, 1 not good, 2 wrong arguments.
";

/// The name of an option; anything else is an error.
pub(crate) fn option(argument: &Arg<'_>) -> Result<String, UsageError> {
    match argument {
        Arg::Long(name) => Ok((*name).to_owned()),
        Arg::Short('h') => Ok("help".to_owned()),
        Arg::Short(other) => Err(UsageError(format!("invalid option '-{other}'"))),
        Arg::Value(value) => Err(UsageError(format!("unexpected argument {}", value.display()))),
    }
}

/// Takes an option that says which files are meant; any other is an error.
pub(crate) fn files(files: &mut Files, option: &str, parser: &mut Parser) -> Result<(), UsageError> {
    match option {
        "config" => files.config = PathBuf::from(parser.value()?),
        "env" => files.environment = Some(parser.value()?.string()?).filter(|name| !name.is_empty()),
        "secrets-file" => files.secrets = Some(PathBuf::from(parser.value()?)),
        other => return Err(UsageError(format!("invalid option '--{other}'"))),
    }
    Ok(())
}
