//! Which failures are the caller's to mend (exit 2) and which are ours (exit 1).

use std::fmt;
use std::process::ExitCode;

/// The task cannot work as it was asked for; the text says what to do instead.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Makes a [`Usage`] error.
pub(crate) fn usage(text: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Usage(text.into()))
}

/// Prints every cause of `error` once and chooses the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("xtask: {error:#}");
    ExitCode::from(exit_code(error))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<Usage>().is_some() {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_usage_error_exits_2_also_with_context() {
        let bare = usage("stop the other one first");
        assert_eq!(exit_code(&bare), 2);
        let wrapped = Err::<(), _>(bare).context("up").expect_err("is an error");
        assert_eq!(exit_code(&wrapped), 2);
    }

    #[test]
    fn any_other_error_exits_1() {
        assert_eq!(exit_code(&anyhow::anyhow!("the disk is full")), 1);
    }
}
