//! Requests that a browser sends here for somebody else's page.

use azure_local::latency::Latency;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bodies::group;
use crate::emulator::{Emulator, SUBSCRIPTION, path};

#[tokio::test]
async fn only_requests_for_its_own_hosts_are_answered() {
    let (emulator, _folder) = Emulator::fresh(Latency::none()).await;
    let own = emulator.url("").trim_start_matches("http://").to_owned();
    let port = own.rsplit_once(':').expect("a port").1.to_owned();
    let subscription = format!("{SUBSCRIPTION}?api-version=2021-04-01");
    let nonce = "/azure-local/proof?nonce=00112233445566778899aabbccddeeff";
    let paths = [subscription.as_str(), "/azure-local/retail/prices", nonce, "/azure-local/status"];
    for (host, status) in [
        (own.clone(), 200),
        ("127.0.0.1".into(), 200),
        (format!("localhost:{port}"), 200),
        ("LocalHost".into(), 200),
        (format!("[::1]:{port}"), 200),
        // As machines reach it.
        (format!("198.18.0.2:{port}"), 200),
        ("evil.com".into(), 421),
        (format!("evil.com:{port}"), 421),
        ("localhost.evil.com".into(), 421),
        ("127.0.0.1:1".into(), 421),
        ("127.77.0.1".into(), 421),
        ("management.azure.com".into(), 421),
        ("evil com".into(), 400),
    ] {
        for asked in paths {
            let request = emulator.request(Method::GET, asked, None).header("host", &host);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), status, "{host} {asked}");
            let text = answer.text().await.expect("a body");
            let names_hosts = text.contains(&format!("localhost, 127.0.0.1, [::1], 198.18.0.2, at port {port} "));
            assert_eq!(names_hosts, status != 200, "{host} {asked}: {text}");
            let body: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let code = match status {
                200 => serde_json::Value::Null,
                400 => "InvalidHost".into(),
                _ => "MisdirectedRequest".into(),
            };
            assert_eq!(body["error"]["code"], code, "{host} {asked}: {text}");
        }
    }
    let refused = emulator.request(Method::PUT, &path(""), Some(&group())).header("host", "evil.com");
    assert_eq!(refused.send().await.expect("an answer").status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(emulator.get(&path("")).await.status, StatusCode::NOT_FOUND, "a refused request did something");

    for (head, status) in [
        (format!("GET http://evil.com/azure-local/retail/prices HTTP/1.1\r\nhost: {own}"), "421"),
        (format!("GET http://{own}/azure-local/retail/prices HTTP/1.1\r\nhost: evil.com"), "421"),
        (format!("GET http://{own}/azure-local/retail/prices HTTP/1.1\r\nhost: {own}"), "200"),
        (format!("GET /azure-local/retail/prices HTTP/1.1\r\nhost: {own}\r\nhost: {own}"), "400"),
        ("GET /azure-local/retail/prices HTTP/1.1\r\naccept: */*".to_owned(), "400"),
        ("GET /azure-local/retail/prices HTTP/1.0\r\naccept: */*".to_owned(), "400"),
    ] {
        let mut stream = TcpStream::connect(&own).await.expect("a connection");
        stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert_eq!(answer.split(' ').nth(1), Some(status), "{head}:\n{answer}");
    }
    emulator.stop().await;
}
