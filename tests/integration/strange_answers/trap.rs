//! Where strange redirects lead to.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts who comes to the address that redirects name.
pub(super) struct Trap {
    pub url: String,
    visits: Arc<AtomicU64>,
}

impl Trap {
    pub(super) fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/sign-in", listener.local_addr().unwrap());
        let visits = Arc::new(AtomicU64::new(0));
        let counter = visits.clone();
        std::thread::spawn(move || {
            for _ in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, visits }
    }

    /// How often somebody came.
    pub(super) fn visits(&self) -> u64 {
        self.visits.load(Ordering::SeqCst)
    }
}
