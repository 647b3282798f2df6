//! Door of `platformctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    coreos_cluster::cli::platformctl(std::env::args_os())
}
