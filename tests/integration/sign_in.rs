//! Signing in to Azure, each way, and creating a cluster there.

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use serde_json::{Value, json};

use crate::azure::{Azure, CLIENT, TENANT};
use crate::sandbox::{Ended, SUBSCRIPTION, Sandbox};

fn run(sandbox: &Sandbox, azure: &Azure, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
    let variables = azure.variables();
    let mut all: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend(more);
    sandbox.run_with(arguments, &all)
}

/// A part of a JSON Web Token.
fn part(token: &str, index: usize) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap().trim_end_matches('=')).unwrap()
}

#[test]
fn a_certificate_signs_in_and_creates_a_cluster() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    sandbox.succeed(&["mgmt-cert", "keys"]).demand(0);
    let sign_in = ["--tenant", TENANT, "--client-id", CLIENT, "--azure-cert"];
    for file in ["keys/azure-cert.pem", "keys/azure-cert.pfx"] {
        let shown = run(&sandbox, &azure, &[&["whoami"], &sign_in[..], &[file]].concat(), &[]).demand(0).stdout;
        for said in ["service principal with certificate (--azure-cert)", SUBSCRIPTION, "Enabled"] {
            assert!(shown.contains(said), "{shown}");
        }
    }

    let asked = azure.token_requests().remove(0);
    assert_eq!(asked.url, format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
    assert_eq!(asked.field("scope"), "https://management.azure.com/.default");
    let assertion = asked.field("client_assertion");
    let header: Value = serde_json::from_slice(&part(assertion, 0)).unwrap();
    let claims: Value = serde_json::from_slice(&part(assertion, 1)).unwrap();
    let pem = std::fs::read(sandbox.path("keys/azure-cert.cer")).unwrap();
    let certificate = X509::from_pem(&pem).unwrap();
    let thumbprint = STANDARD.encode(certificate.digest(MessageDigest::sha1()).unwrap());
    assert_eq!((&header["x5t"], &claims["iss"]), (&json!(thumbprint), &json!(CLIENT)));
    assert_eq!(claims["aud"], asked.url);
    let key = certificate.public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    verifier.update(assertion.rsplit_once('.').unwrap().0.as_bytes()).unwrap();
    assert!(verifier.verify(&part(assertion, 2)).unwrap(), "the assertion is signed by the certificate's key");

    let before = azure.token_requests().len();
    let create = [&["mycluster", "--deis", "--no-wait"], &sign_in[..], &["keys/azure-cert.pem"]].concat();
    run(&sandbox, &azure, &create, &[]).demand(0);
    assert_eq!(sandbox.resources("mycluster").iter().filter(|id| id.contains("/virtualMachines/")).count(), 3);
    assert!(azure.token_requests().len() > before + 5, "tokens that end while the run goes on are renewed");
    run(&sandbox, &azure, &create, &[]).demand(0).says(&["plan: nothing to do"]);
    let inventory = std::fs::read_to_string(sandbox.cluster("mycluster").join("inventory.json")).unwrap();
    assert!(inventory.contains("\"cloud\": \"azure\""), "{inventory}");
    // Where the cluster is was settled: no flag but who signs in is needed.
    let destroy = [&["destroy", "mycluster", "--yes"], &sign_in[..], &["keys/azure-cert.pem"]].concat();
    run(&sandbox, &azure, &destroy, &[]).demand(0);
    assert_eq!(sandbox.resources("mycluster"), Vec::<String>::new());
}

#[test]
fn the_environment_signs_in() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    std::fs::write(sandbox.path("federated"), "signed-by-kubernetes").unwrap();
    let federated = sandbox.path("federated").display().to_string();
    let endpoint = azure.identity_endpoint();
    let [tenant, client] = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];
    let pipeline = vec![
        ("SYSTEM_OIDCREQUESTURI", "https://dev.azure.com/oidc"),
        ("SYSTEM_ACCESSTOKEN", "of-the-job"),
        ("AZURESUBSCRIPTION_TENANT_ID", TENANT),
        ("AZURESUBSCRIPTION_CLIENT_ID", CLIENT),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "connection"),
    ];
    for (variables, name, reason, field, value) in [
        (
            vec![tenant, client, ("AZURE_CLIENT_SECRET", "hunter2")],
            "service principal with secret",
            "AZURE_CLIENT_SECRET",
            "client_secret",
            "hunter2",
        ),
        (
            vec![tenant, client, ("AZURE_FEDERATED_TOKEN_FILE", &federated)],
            "workload identity federation",
            "AZURE_FEDERATED_TOKEN_FILE",
            "client_assertion",
            "signed-by-kubernetes",
        ),
        (
            pipeline,
            "Azure Pipelines' service connection",
            "SYSTEM_OIDCREQUESTURI",
            "client_assertion",
            "signed-by-pipelines",
        ),
        (
            vec![("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "of-the-host"), client],
            "managed identity",
            "IDENTITY_ENDPOINT",
            "secret",
            "of-the-host",
        ),
    ] {
        let ended = run(&sandbox, &azure, &["whoami", "-o", "json"], &variables).demand(0);
        let shown = ended.json();
        assert_eq!((&shown["credential"], &shown["subscription"]), (&json!(name), &json!(SUBSCRIPTION)));
        assert!(shown["because"].as_str().unwrap().starts_with(reason), "{shown}");
        let asked = azure.token_requests().pop().unwrap();
        assert_eq!((asked.field(field), asked.field("client_id")), (value, CLIENT), "{name}");
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(value), "{name}: a secret is shown");
    }
}

#[test]
fn each_cloud_has_hosts_of_its_own() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let secret = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", "hunter2")];
    for (cloud, login, resource_manager) in [
        ("public", "login.microsoftonline.com", "management.azure.com"),
        ("usgov", "login.microsoftonline.us", "management.usgovcloudapi.net"),
        ("china", "login.chinacloudapi.cn", "management.chinacloudapi.cn"),
    ] {
        run(&sandbox, &azure, &["whoami", "--cloud", cloud], &secret).demand(0);
        let asked = azure.token_requests().pop().unwrap();
        assert_eq!(asked.url, format!("https://{login}/{TENANT}/oauth2/v2.0/token"));
        assert_eq!(asked.field("scope"), format!("https://{resource_manager}/.default"));
        assert_eq!(azure.hosts().pop().as_deref(), Some(resource_manager));
    }
    let before = azure.hosts().len();
    run(&sandbox, &azure, &["whoami", "--cloud", "germany"], &secret).demand(3).says(&[
        "`--cloud`:",
        "germany",
        "china",
    ]);
    assert_eq!(azure.hosts().len(), before);
}

#[test]
fn the_azure_cli_signs_in() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let tools = sandbox.path("tools");
    std::fs::create_dir(&tools).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let write = |name: &str, script: &str| {
        std::fs::write(tools.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(tools.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    // What the tools write when nobody is signed in.
    write("az", "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    write("azd", "echo '{\"type\":\"consoleMessage\",\"data\":{\"message\":\"ERROR: not logged in\"}}' >&2; exit 1");
    let variables = [("PATH", path.as_str())];
    let ended = run(&sandbox, &azure, &["whoami"], &variables).demand(4);
    ended.says(&["Please run 'az login'", "hint: az login", "without an account: --local"]);
    let token = r#"{"accessToken": "token-of-az", "expires_on": 4102444800, "expiresOn": "2100-01-01 00:00:00.000000",
        "tokenType": "Bearer"}"#;
    write("az", &format!("echo '{token}'"));
    let shown = run(&sandbox, &azure, &["whoami", "-o", "json"], &variables).demand(0).json();
    assert_eq!(
        (&shown["credential"], &shown["because"]),
        (&json!("developer tools"), &json!("nothing else is set up"))
    );
}

#[test]
fn who_is_refused_is_told_why() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let secret = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", "hunter2")];
    let other = json!([
        {"id": SUBSCRIPTION, "display_name": "local"},
        {"id": "00000000-0000-4000-8000-000000000002", "display_name": "another"},
    ]);
    let (status, answer) = sandbox.request("PUT", "/azure-local/subscriptions", Some(&other));
    assert_eq!(status, 200, "{answer}");
    let several = run(&sandbox, &azure, &["mycluster", "--no-wait"], &secret).demand(4);
    several.says(&["there are several:", SUBSCRIPTION, "another", "--subscription ID"]);
    let named = ["whoami", "--subscription", "00000000-0000-4000-8000-000000000003"];
    run(&sandbox, &azure, &named, &secret).demand(4).says(&["does not exist, or you may not see it"]);

    azure.refuse_tokens(json!({
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The provided client secret keys for app are expired.",
        "error_codes": [7_000_222],
    }));
    let expired = run(&sandbox, &azure, &["mycluster", "--subscription", SUBSCRIPTION], &secret).demand(4);
    let expired = expired.says(&[
        "AADSTS7000222: The provided client secret keys for app are expired.",
        "hint: az ad app credential reset --id $AZURE_CLIENT_ID makes a new secret",
        "the credential is: service principal with secret (AZURE_CLIENT_SECRET)",
    ]);
    assert!(!expired.stderr.contains("hunter2"), "{}", expired.stderr);
    assert!(!sandbox.cluster("mycluster").join("inventory.json").exists());
}

#[test]
fn a_network_is_no_matter_of_signing_in() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let secret = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", "hunter2")];
    let told = |ended: Ended| {
        let ended =
            ended.says(&["▴ ", "; trying again at ", "hint: look at the network, its sign-in page, and HTTPS_PROXY"]);
        assert!(!ended.stderr.contains("credential reset"), "others use the secret: {}", ended.stderr);
        ended
    };
    azure.become_captive();
    let captive = run(&sandbox, &azure, &["whoami"], &secret).demand(6);
    told(captive).says(&["the answer to the sign-in is not Microsoft Entra's", "a captive portal"]);
    // Nobody listens where the way out should be.
    let closed = [&secret[..], &[("HTTPS_PROXY", "http://127.0.0.1:1")]].concat();
    let offline = run(&sandbox, &azure, &["whoami"], &closed).demand(6);
    told(offline).says(&["cause: the host that signs in is out of reach: ", "login.microsoftonline.com"]);
}

#[test]
fn what_becomes_part_of_a_url_is_checked_first() {
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let secret = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT), ("AZURE_CLIENT_SECRET", "hunter2")];
    let parent = "../..";
    for (arguments, variables, code, said) in [
        (&["--subscription", parent][..], &[][..], 3, "`--subscription`: subscription `../..` is not an id"),
        (&["--tenant", parent], &[], 3, "`--tenant`: tenant `../..` is not an id"),
        (&["--client-id", parent], &[], 3, "`--client-id`: client `../..` is not an id"),
        (&[], &[("AZURE_SUBSCRIPTION_ID", "x?y")], 3, "`AZURE_SUBSCRIPTION_ID`: subscription `x?y` is not an id"),
        (&[], &[("AZURE_TENANT_ID", "a/b")], 4, "AZURE_TENANT_ID: tenant `a/b` is not an id"),
        (&[], &[("AZURE_CLIENT_ID", "Production")], 4, "AZURE_CLIENT_ID: client `Production` is not an id"),
        (&[], &[("AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT", "soon")], 3, "must be whole seconds, 1 to 3600, found `soon`"),
    ] {
        let all = [&secret[..], variables].concat();
        run(&sandbox, &azure, &[&["whoami"], arguments].concat(), &all).demand(code).says(&[said]);
    }
    sandbox.run(&["whoami", "--local", "--subscription", parent]).demand(3).says(&["is not an id"]);
    assert_eq!(azure.hosts(), Vec::<String>::new(), "nobody was asked");
}

/// Nobody is asked for a password or a passphrase; the command that takes it away is told, and is run as it stands.
#[test]
fn certificates_that_cannot_be_used_are_named_with_the_way_out() {
    if !crate::key_files::is_installed("openssl") {
        return;
    }
    let sandbox = Sandbox::with_emulator(&[]);
    let azure = Azure::before(&sandbox);
    let shell = |command: &str| {
        let mut shell = sandbox.command("sh", &["-c", command]);
        let output = shell.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    };
    shell(
        "openssl req -x509 -newkey rsa:2048 -keyout k.pem -out c.pem -passout pass:x -subj /CN=x -days 30 2>&1 \
         && cat k.pem c.pem > 'locked key.pem' && openssl pkey -in k.pem -passin pass:x -out open.pem \
         && openssl pkey -in open.pem -traditional -aes256 -passout pass:x -out old.pem && cat old.pem c.pem > pkcs1.pem \
         && openssl pkcs12 -export -legacy -in c.pem -inkey open.pem -passout pass: -out legacy.pfx \
         && openssl pkcs12 -export -legacy -in c.pem -inkey open.pem -passout pass:x -out both.pfx \
         && openssl pkcs12 -export -in c.pem -inkey open.pem -passout pass:x -out locked.pfx \
         && openssl ecparam -name prime256v1 -genkey -noout -out e.pem \
         && openssl req -x509 -key e.pem -out ec.pem -subj /CN=x -days 2 && cat e.pem >> ec.pem",
    );
    fn who(file: &str) -> [&str; 7] {
        ["whoami", "--tenant", TENANT, "--client-id", CLIENT, "--azure-cert", file]
    }
    for (file, said, password) in [
        ("locked key.pem", "its key is locked by a passphrase, which is asked of nobody", Some("x")),
        ("pkcs1.pem", "its key is locked by a passphrase, which is asked of nobody", Some("x")),
        (
            "legacy.pfx",
            "the PKCS #12 file is encrypted by RC2-40, as Windows did for years, which OpenSSL 3 does not read",
            Some(""),
        ),
        ("both.pfx", "the PKCS #12 file has a password, which is asked of nobody", Some("x")),
        ("locked.pfx", "the PKCS #12 file has a password, which is asked of nobody", Some("x")),
        ("ec.pem", "its key is not RSA, and Entra takes no other", None),
        ("c.pem", "it holds no private key", None),
    ] {
        let told = run(&sandbox, &azure, &who(file), &[]).demand(3).stderr;
        assert!(told.contains(&format!("error: `--azure-cert`: `{file}`: {said}")), "{told}");
        assert!(!told.contains("error:0") && !told.contains("pass phrase"), "{told}");
        let hint = told.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        let Some(password) = password else {
            assert_eq!(hint, "azure-coreos-cluster mgmt-cert makes one");
            continue;
        };
        let (command, then) = hint.split_once(", then --azure-cert ").unwrap();
        // A person would be asked here.
        let command = command.replace("openssl pkcs12 ", &format!("openssl pkcs12 -passin pass:{password} "));
        shell(&command.replace("openssl pkey ", &format!("openssl pkey -passin pass:{password} ")));
        let shown = run(&sandbox, &azure, &who(then), &[]).demand(0).stdout;
        assert!(shown.contains("service principal with certificate (--azure-cert)"), "{shown}");
        std::fs::remove_file(sandbox.path(then)).unwrap();
    }
}
