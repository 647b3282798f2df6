//! Door of `platform-controller`.

use std::process::ExitCode;

fn main() -> ExitCode {
    controller::cli::run(std::env::args_os())
}
