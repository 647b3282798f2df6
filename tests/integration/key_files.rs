//! SSH keys as they lie in people's files: taken, or named with a command that makes them ready, which is then run.

use crate::sandbox::{Sandbox, fixture_path};

/// A name of the fixtures, and what the machines' key is or what is said of the file.
const FILES: [(&str, Result<&str, &str>); 8] = [
    ("broken-by-azure.pub", Ok("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC2q1SXbPNUIfU3")),
    ("ssh2.pub", Ok("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC2q1SXbPNUIfU3")),
    ("pkcs8.pub", Ok("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC2q1SXbPNUIfU3")),
    ("pkcs1.pub", Ok("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC2q1SXbPNUIfU3")),
    ("comment.pub", Ok("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFCIIxNYgDhnij5gVXnKDcIFAQmlLnRjgRmfyndR6CIB")),
    ("byte-order-mark.pub", Ok("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFCIIxNYgDhnij5gVXnKDcIFAQmlLnRjgRmfyndR6CIB")),
    ("putty.ppk", Err("this is PuTTY's private key; give the public one in OpenSSH's format")),
    ("options.pub", Err("there are options before the key (`from=\"10.0.0.0/8\",no-pty`), which would be lost")),
];

/// The user-data of a cluster with the key in `file`.
fn user_data(file: &str) -> [&str; 5] {
    ["user-data", "mycluster", "--local", "--ssh-cert", file]
}

#[test]
fn keys_are_taken_in_the_forms_that_people_have() {
    let sandbox = Sandbox::without_emulator();
    for (name, expected) in FILES {
        let file = format!("keys of {name}");
        std::fs::copy(fixture_path("ssh-keys").join(name), sandbox.path(&file)).unwrap();
        match expected {
            Ok(key) => {
                let shown = sandbox.run(&user_data(&file)).demand(0).stdout;
                assert!(shown.contains(key), "{name}: {shown}");
            }
            Err(said) => {
                let ended = sandbox.run(&user_data(&file)).demand(3);
                ended.says(&[&format!("error: `--ssh-cert`: `{file}`: {said}"), "hint: "]);
            }
        }
    }
}

/// Whether a program that users are told to run is there; without it the test that does so is left out, and says so.
pub(crate) fn is_installed(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file());
    if !found {
        eprintln!("left out: there is no `{program}` here");
    }
    found
}

/// The command that is told is run as it stands, and what it makes is taken.
#[test]
fn the_command_that_is_told_makes_the_key_that_is_taken() {
    if !is_installed("openssl") || !is_installed("ssh-keygen") {
        return;
    }
    let sandbox = Sandbox::without_emulator();
    let run = |command: &str| {
        let mut shell = sandbox.command("sh", &["-c", command]);
        let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let certificate = "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -subj /CN=x -days 2 2>&1";
    let pack = "openssl pkcs12 -export -in c.pem -inkey k.pem -passout pass:";
    for (make, file, said, made) in [
        ("ssh-keygen -q -t ed25519 -N '' -f 'my key'".to_owned(), "my key", "this is a private key", "key.pub"),
        (
            format!("cp '{}' options.pub", fixture_path("ssh-keys").join("options.pub").display()),
            "options.pub",
            "there are options before the key",
            "key.pub",
        ),
        (format!("{certificate} && {pack} -out 'a b.pfx'"), "a b.pfx", "this is a PFX (PKCS #12)", "certificate.pem"),
        (
            format!("{certificate} && {pack} -legacy -out legacy.pfx"),
            "legacy.pfx",
            "this is a PFX (PKCS #12)",
            "certificate.pem",
        ),
    ] {
        run(&make);
        let told = sandbox.run(&user_data(file)).demand(3).stderr;
        assert!(told.contains(said), "{told}");
        let command = told.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        // OpenSSL asks a person for the password, which is empty.
        run(&command.replace("openssl pkcs12 ", "openssl pkcs12 -passin pass: "));
        let shown = sandbox.run(&user_data(made)).demand(0).stdout;
        assert!(shown.contains("ssh-ed25519 AAAA") || shown.contains("ssh-rsa AAAA"), "{command}: {shown}");
    }
    // Of a key that Azure takes in no form only its name is told.
    run(
        "openssl ecparam -name prime256v1 -genkey -noout -out e.pem && openssl req -x509 -key e.pem -out ec.pem -subj /CN=x -days 2",
    );
    let told = sandbox.run(&user_data("ec.pem")).demand(3);
    told.says(&["Azure refuses keys of type `ecdsa-sha2-nistp256`", "hint: ssh-keygen -t ed25519 makes a key"]);
}
