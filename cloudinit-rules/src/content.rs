//! The contents of files, decoded. `config/config.go:87`, `DecodeContent`

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

use crate::vocabulary::ENCODINGS;

/// As Go's `encoding/base64` reads it.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// Most bytes that compressed content may come to.
pub const MOST_BYTES: u64 = 64 << 20;

/// Why content is not what its encoding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    Encoding,
    Base64,
    Gzip,
    /// More bytes than the reader was told to keep.
    TooLarge,
}

/// Content that is written down in `encoding`, at most `most` bytes of it; without one it is what it is.
pub fn decode(content: &[u8], encoding: &str, most: u64) -> Result<Vec<u8>, Undecodable> {
    let packed = unpacked_text(content, encoding)?;
    if !encoding.starts_with('g') {
        return if packed.len() as u64 > most { Err(Undecodable::TooLarge) } else { Ok(packed) };
    }
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(packed.as_slice()).take(most + 1).read_to_end(&mut bytes) {
        Err(_) => Err(Undecodable::Gzip),
        Ok(_) if bytes.len() as u64 > most => Err(Undecodable::TooLarge),
        Ok(_) => Ok(bytes),
    }
}

/// Whether content can be decoded. Reads to the end and keeps nothing: a few bytes may stand for gigabytes.
pub fn check(content: &[u8], encoding: &str) -> Result<(), Undecodable> {
    let packed = unpacked_text(content, encoding)?;
    if encoding.starts_with('g') {
        let read = std::io::copy(&mut MultiGzDecoder::new(packed.as_slice()), &mut std::io::sink());
        read.map_err(|_| Undecodable::Gzip)?;
    }
    Ok(())
}

/// What is left when base64 is taken away.
fn unpacked_text(content: &[u8], encoding: &str) -> Result<Vec<u8>, Undecodable> {
    if !encoding.is_empty() && !ENCODINGS.contains(&encoding) {
        return Err(Undecodable::Encoding);
    }
    if !encoding.ends_with("64") {
        return Ok(content.to_vec());
    }
    from_base64(content).ok_or(Undecodable::Base64)
}

/// Go's reader passes over line ends and nothing else.
pub(crate) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let packed: Vec<u8> = text.iter().copied().filter(|byte| !b"\r\n".contains(byte)).collect();
    BASE64.decode(packed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    #[test]
    fn encodings() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"hi\n").unwrap();
        let gzip = STANDARD.encode(encoder.finish().unwrap());
        for (content, encoding, decoded) in [
            ("hi\n", "", Ok("hi\n")),
            ("aGkK", "b64", Ok("hi\n")),
            ("aG\r\nkK\n", "base64", Ok("hi\n")),
            ("aG kK", "base64", Err(Undecodable::Base64)),
            (&gzip, "gz+b64", Ok("hi\n")),
            (&gzip, "gzip+base64", Ok("hi\n")),
            ("aGkK", "gzip+base64", Err(Undecodable::Gzip)),
            ("hi", "gzip", Err(Undecodable::Gzip)),
            ("hi", "xz", Err(Undecodable::Encoding)),
            ("hi", "64", Err(Undecodable::Encoding)),
            ("hello", "", Err(Undecodable::TooLarge)),
        ] {
            let found = decode(content.as_bytes(), encoding, 3);
            assert_eq!(found, decoded.map(|text| text.as_bytes().to_vec()), "{content} {encoding}");
            assert_eq!(
                check(content.as_bytes(), encoding).is_ok(),
                !matches!(found, Err(error) if error != Undecodable::TooLarge)
            );
        }
    }
}
