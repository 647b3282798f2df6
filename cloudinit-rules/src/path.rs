//! Paths of files and units, as coreos-cloudinit writes them.

/// The path below the root folder, without doubled and trailing slashes, `.` and `..`. <https://pkg.go.dev/path#Clean>
pub fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
