//! NTP packets (RFC 5905, section 7.3): turns a client's request into a server's answer.

use std::time::{SystemTime, UNIX_EPOCH};

/// A packet without extensions.
const PACKET_BYTES: usize = 48;

/// From 1900, where NTP begins, to 1970, where Unix does.
const UNIX_EPOCH_SECONDS: u64 = 2_208_988_800;

const CLIENT_MODE: u8 = 3;
const SERVER_MODE: u8 = 4;

/// A server that has its time from a better one, as the host has.
const STRATUM: u8 = 2;

/// The host's clock is read in about a microsecond: 2 to the power of -20 seconds.
const PRECISION: u8 = (-20_i8).cast_unsigned();

/// Sixteen bits of seconds and sixteen of their fraction: one millisecond each, which is honest for a local clock.
const ROOT_DELAY_AND_DISPERSION: u32 = 65536 / 1000;

/// Names the reference: an IPv4 address at this stratum.
const REFERENCE: [u8; 4] = [127, 0, 0, 1];

/// The answer to `request`, which arrived at `received`; `None` when it is not a client's request. `now` is asked as late
/// as possible.
pub(super) fn answer(
    request: &[u8],
    received: SystemTime,
    now: impl FnOnce() -> SystemTime,
) -> Option<[u8; PACKET_BYTES]> {
    if request.len() < PACKET_BYTES {
        return None;
    }
    let (version, mode) = ((request[0] >> 3) & 7, request[0] & 7);
    if mode != CLIENT_MODE || !(1..=4).contains(&version) {
        return None;
    }
    let mut answer = [0; PACKET_BYTES];
    answer[0] = (version << 3) | SERVER_MODE;
    answer[1] = STRATUM;
    answer[2] = request[2];
    answer[3] = PRECISION;
    answer[4..8].copy_from_slice(&ROOT_DELAY_AND_DISPERSION.to_be_bytes());
    answer[8..12].copy_from_slice(&ROOT_DELAY_AND_DISPERSION.to_be_bytes());
    answer[12..16].copy_from_slice(&REFERENCE);
    answer[16..24].copy_from_slice(&timestamp(received).to_be_bytes());
    answer[24..32].copy_from_slice(&request[40..48]);
    answer[32..40].copy_from_slice(&timestamp(received).to_be_bytes());
    answer[40..48].copy_from_slice(&timestamp(now()).to_be_bytes());
    Some(answer)
}

/// Seconds since 1900 in the upper half, their fraction in the lower; the era (136 years) is not part of it.
pub(super) fn timestamp(time: SystemTime) -> u64 {
    let since_unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_unix.as_secs().wrapping_add(UNIX_EPOCH_SECONDS) & 0xffff_ffff;
    let fraction = (u64::from(since_unix.subsec_nanos()) << 32) / 1_000_000_000;
    (seconds << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn timestamps_are_ntps() {
        for (time, expected) in [
            (UNIX_EPOCH, 2_208_988_800 << 32),
            (UNIX_EPOCH + Duration::from_millis(500), (2_208_988_800 << 32) | 0x8000_0000),
            // The next era begins in 2036.
            (UNIX_EPOCH + Duration::from_secs((1 << 32) - UNIX_EPOCH_SECONDS + 7), 7 << 32),
        ] {
            assert_eq!(timestamp(time), expected);
        }
    }

    #[test]
    fn an_answer_echoes_the_clients_time_and_states_the_servers() {
        let mut request = [0; PACKET_BYTES];
        request[0] = (4 << 3) | CLIENT_MODE;
        request[2] = 6;
        request[40..48].copy_from_slice(b"clients!");
        let received = UNIX_EPOCH + Duration::from_secs(100);
        let sent = UNIX_EPOCH + Duration::from_secs(101);
        let answer = answer(&request, received, || sent).expect("an answer");
        assert_eq!(answer[0], (4 << 3) | SERVER_MODE);
        assert_eq!((answer[1], answer[2]), (STRATUM, 6));
        assert_eq!(&answer[24..32], b"clients!");
        assert_eq!(answer[32..40], timestamp(received).to_be_bytes());
        assert_eq!(answer[40..48], timestamp(sent).to_be_bytes());
    }

    #[test]
    fn only_requests_are_answered() {
        for (first, length) in [(0x23, 47), (0x24, 48), (0x3b, 48), (0x03, 48)] {
            let mut request = vec![0; length];
            request[0] = first;
            assert_eq!(answer(&request, UNIX_EPOCH, || UNIX_EPOCH), None, "{first:#x}, {length} bytes");
        }
    }
}
