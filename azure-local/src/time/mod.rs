//! The host's clock for guests, as an NTP server (RFC 5905, server mode): the stand-in for Azure's host clock.
//!
//! The daemon starts it and passes its port to the host of machines, whose guests reach the host's loopback.

mod packet;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use anyhow::{Context, Result};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// An NTP server on the loopback; dropping it ends it.
#[derive(Debug)]
pub struct TimeServer {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl TimeServer {
    /// Starts the server at a UDP port of 127.0.0.1: the `last` one, which guests that were suspended know, or else any free one.
    pub async fn start(last: Option<u16>) -> Result<Self> {
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        let socket = match bind(last.unwrap_or(0)).await {
            Ok(socket) => socket,
            Err(_) => bind(0).await.context("binding the time server's port")?,
        };
        let address = socket.local_addr().context("reading the time server's port")?;
        Ok(Self { address, serving: tokio::spawn(serve(socket)) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TimeServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(socket: UdpSocket) {
    let mut buffer = [0; 512];
    loop {
        if let Err(error) = answer_one(&socket, &mut buffer).await {
            // A client that is gone makes the next call fail (ICMP port unreachable); the others are still there.
            tracing::debug!(%error, "a request for the time was not answered");
        }
    }
}

async fn answer_one(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<()> {
    let (length, client) = socket.recv_from(buffer).await?;
    let received = SystemTime::now();
    if let Some(answer) = packet::answer(&buffer[..length], received, SystemTime::now) {
        socket.send_to(&answer, client).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    #[tokio::test]
    async fn a_client_is_told_the_hosts_time() {
        let server = TimeServer::start(None).await.expect("started");
        let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
        client.connect(server.address()).await.expect("connected");

        // What is not a request is not answered, and does not end the server.
        client.send(b"hello").await.expect("sent");
        let mut request = [0; 48];
        request[0] = 0x23;
        let before = packet::timestamp(SystemTime::now());
        client.send(&request).await.expect("sent");
        let mut answer = [0; 64];
        let length =
            timeout(Duration::from_secs(30), client.recv(&mut answer)).await.expect("in time").expect("an answer");
        let after = packet::timestamp(SystemTime::now());

        assert_eq!(length, 48);
        let transmitted = u64::from_be_bytes(answer[40..48].try_into().expect("eight bytes"));
        assert!(before <= transmitted && transmitted <= after);
    }
}
