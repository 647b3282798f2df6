//! Door of `azure-coreos-cluster`.

use std::process::ExitCode;

fn main() -> ExitCode {
    coreos_cluster::cli::azure_coreos_cluster(std::env::args_os())
}
