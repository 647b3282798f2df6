//! The local emulator as the command line sees it: where its daemon is, how it is started and stopped.
//!
//! What the emulator does is in the `azure-local` crate; this module never calls its control plane but over HTTP.

mod built_image;
mod daemon;
mod discovery;
mod emulator;
pub mod folder;
mod given_image;
mod proof;
mod status;
mod token;

pub use built_image::build as build_image;
pub use daemon::{ServeOptions, last_arguments, prepare, serve, start, stop};
pub use discovery::{discovery_url, from_this_host};
pub use emulator::Emulator;
pub use given_image::examine as examine_image;
pub use status::{EmulatorStatus, Listener, MachineKind, Suspension};

use std::path::PathBuf;

use azure_local::directory::Directory;
use nodes::base_directory::{cache_home, state_home};

/// The emulator's one subscription.
pub const SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000001";

/// A variable's path; an empty one counts as not set, as in the XDG Base Directory Specification.
fn path_of(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable).filter(|path| !path.is_empty())
}

/// The emulator's folder: `AZURE_LOCAL_DIR`, else below the user's state folder.
pub fn directory() -> anyhow::Result<Directory> {
    let root = match path_of("AZURE_LOCAL_DIR") {
        Some(root) => std::path::absolute(root)?,
        None => state_home()?.join("azure-local"),
    };
    Ok(Directory::new(root))
}

/// Where images are kept: `AZURE_LOCAL_IMAGE_CACHE`, else below the user's cache folder.
pub fn image_cache() -> anyhow::Result<PathBuf> {
    match path_of("AZURE_LOCAL_IMAGE_CACHE") {
        Some(root) => Ok(std::path::absolute(root)?),
        None => Ok(cache_home()?.join("azure-local/image")),
    }
}
