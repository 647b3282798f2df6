//! The words that coreos-cloudinit knows.

/// The first line of a cloud-config, whatever blanks come after it.
/// `config/config.go`, `IsCloudConfig`.
pub const HEADER: &str = "#cloud-config";
/// The account that exists before coreos-cloudinit runs.
pub const CORE_USER: &str = "core";
/// What is run of a unit. `system/systemd.go`, `RunUnitCommand`.
pub const COMMANDS: [&str; 7] =
    ["start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart"];
/// How content may be written down. `config/file.go`, `valid`; `config/decode.go`, `DecodeContent`.
pub const ENCODINGS: [&str; 8] = ["b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"];
/// When a machine reboots for an update. `config/update.go`, `valid`.
pub const REBOOT_STRATEGIES: [&str; 3] = ["off", "reboot", "etcd-lock"];
/// What is a file of systemd-networkd instead of a unit. `system/unit.go`, `Group`.
pub const NETWORK_SUFFIXES: [&str; 3] = [".network", ".netdev", ".link"];

/// Whether the text is taken for a cloud-config.
pub fn has_header(text: &str) -> bool {
    text.split('\n').next().is_some_and(|line| line.trim_end() == HEADER)
}

/// Whether the text is taken for a script. `config/script.go`, `IsScript`.
pub fn is_script(text: &str) -> bool {
    text.starts_with("#!")
}

/// Whether the text is taken for several parts. `config/config.go`, `IsMultipartMime`.
pub fn is_multipart(text: &str) -> bool {
    text.split('\n').next().is_some_and(|line| line.contains("Content-Type: multipart/mixed;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (text, is) in [
            ("#cloud-config \r\nx", "cloud-config"),
            ("#cloud-configuration\n", ""),
            ("\n#cloud-config\n", ""),
            ("#!\n", "script"),
            (" #!/bin/sh\n", ""),
            ("Content-Type: multipart/mixed; boundary=x\n", "multipart"),
            ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n", ""),
            ("", ""),
        ] {
            let found = match (has_header(text), is_script(text), is_multipart(text)) {
                (true, false, false) => "cloud-config",
                (false, true, false) => "script",
                (false, false, true) => "multipart",
                (false, false, false) => "",
                found => panic!("{text}: {found:?}"),
            };
            assert_eq!(found, is, "{text}");
        }
    }
}
