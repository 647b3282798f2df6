//! Door of `platformctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    platform::cli::platformctl(std::env::args_os())
}
