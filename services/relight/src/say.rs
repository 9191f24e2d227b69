//! What a command says on standard output. Who reads only the first lines has had enough: no panic, and the exit code that SIGPIPE
//! gives other commands (141). A full disk is told.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    process,
};

/// `println!` that ends the command where `println!` would panic.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say::write(format_args!("{}\n", format_args!($($words)*)))
    };
}
pub(crate) use say;

/// Writes it as it is.
pub(crate) fn write(words: Arguments<'_>) {
    let mut out = io::stdout().lock();
    let Err(error) = out.write_fmt(words).and_then(|()| out.flush()) else {
        return;
    };
    if error.kind() == ErrorKind::BrokenPipe {
        process::exit(141);
    }
    eprintln!("relight: standard output cannot be written: {error}");
    process::exit(1);
}
