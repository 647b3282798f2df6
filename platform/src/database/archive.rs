//! The beginning of a dump in PostgreSQL's custom format: who wrote it, from what.
//! <https://github.com/postgres/postgres/blob/REL_17_STABLE/src/bin/pg_dump/pg_backup_archiver.c> (`ReadHead`)

use super::ServerVersion;

/// The header is within so many bytes.
pub(crate) const HEADER_BYTES: usize = 4096;
const MAGIC: &[u8] = b"PGDMP";
const CUSTOM: u8 = 1;
/// Seconds, minutes, hours, day, month, year, daylight saving.
const PARTS_OF_TIME: usize = 7;
/// From this version of the format on, how it is compressed is one byte, not a number.
const COMPRESSION_IS_A_BYTE: (u8, u8) = (1, 15);

/// What the beginning says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ArchiveHeader {
    /// The server that was dumped.
    pub server: ServerVersion,
    /// `pg_dump`.
    pub program: ServerVersion,
    /// When, by the server's clock: `2026-11-27 00:21`.
    pub made_at: String,
}

/// Why a file is no dump that can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("it is empty")]
    Empty,
    #[error("it is no dump in PostgreSQL's custom format, which begins with `PGDMP`")]
    NoDump,
    #[error(
        "it is a dump in PostgreSQL's tar or directory format; only the custom format is taken (`pg_dump --format=custom`)"
    )]
    AnotherFormat,
    #[error("it begins as a dump of PostgreSQL does, but ends or is damaged within the first lines")]
    Damaged,
}

impl ArchiveHeader {
    /// Reads the header out of the first [`HEADER_BYTES`] of a file, or out of all of it when it is shorter.
    pub(crate) fn read(beginning: &[u8]) -> Result<Self, ArchiveError> {
        if beginning.is_empty() {
            return Err(ArchiveError::Empty);
        }
        // A tar file has its first member's name there instead.
        let is_tar = beginning.get(257..262) == Some(b"ustar") && beginning.starts_with(b"toc.dat");
        let Some(rest) = beginning.strip_prefix(MAGIC) else {
            return Err(if is_tar { ArchiveError::AnotherFormat } else { ArchiveError::NoDump });
        };
        let Some((format, header)) = Reader { rest, integer_bytes: 0 }.header() else {
            return Err(ArchiveError::Damaged);
        };
        if format == CUSTOM { header.ok_or(ArchiveError::Damaged) } else { Err(ArchiveError::AnotherFormat) }
    }
}

struct Reader<'b> {
    rest: &'b [u8],
    integer_bytes: usize,
}

impl Reader<'_> {
    /// The format, and the header when its texts can be read.
    fn header(mut self) -> Option<(u8, Option<ArchiveHeader>)> {
        let version = (self.byte()?, self.byte()?);
        let _revision = self.byte()?;
        self.integer_bytes = usize::from(self.byte()?);
        let _offset_bytes = self.byte()?;
        let format = self.byte()?;
        (self.integer_bytes > 0 && self.integer_bytes <= 8).then_some(())?;
        Some((format, self.texts(version)))
    }

    fn texts(&mut self, version: (u8, u8)) -> Option<ArchiveHeader> {
        if version >= COMPRESSION_IS_A_BYTE {
            self.byte()?;
        } else {
            self.integer()?;
        }
        let mut time = [0; PARTS_OF_TIME];
        for part in &mut time {
            *part = self.integer()?;
        }
        let [_, minute, hour, day, month, year, _] = time;
        let made_at =
            format!("{:04}-{:02}-{day:02} {hour:02}:{minute:02}", year.checked_add(1900)?, month.checked_add(1)?);
        let _database = self.text()?;
        let (server, program) = (self.text()?, self.text()?);
        Some(ArchiveHeader { server: ServerVersion::read(&server)?, program: ServerVersion::read(&program)?, made_at })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// A sign, then the bytes of the number, the lowest first.
    fn integer(&mut self) -> Option<i64> {
        let negative = self.byte()? != 0;
        let mut value: u64 = 0;
        for place in 0..self.integer_bytes {
            value |= u64::from(self.byte()?) << (8 * place);
        }
        let value = i64::try_from(value).ok()?;
        Some(if negative { -value } else { value })
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.integer()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: i32) -> Vec<u8> {
        [vec![u8::from(value < 0)], value.unsigned_abs().to_le_bytes().to_vec()].concat()
    }

    fn text(value: &str) -> Vec<u8> {
        [number(i32::try_from(value.len()).unwrap()), value.as_bytes().to_vec()].concat()
    }

    fn dump(minor: u8, format: u8, server: &str) -> Vec<u8> {
        let compression = if minor >= 15 { vec![1] } else { number(-1) };
        let time = [5, 21, 0, 27, 10, 126, 0].map(number).concat();
        let texts = [text("platform"), text(server), text("17.12 (Debian 17.12-0+deb13u1)")].concat();
        [MAGIC.to_vec(), vec![1, minor, 0, 4, 8, format], compression, time, texts].concat()
    }

    #[test]
    fn the_beginning_says_who_wrote_it() {
        for minor in [14, 15, 16] {
            let header = ArchiveHeader::read(&dump(minor, CUSTOM, "15.18")).unwrap();
            let said = (header.server.major, header.program.number.as_str(), header.made_at.as_str());
            assert_eq!(said, (15, "17.12", "2026-11-27 00:21"), "1.{minor}");
        }
    }

    #[test]
    fn what_is_no_dump() {
        let whole = dump(16, CUSTOM, "17.12");
        let tar = [b"toc.dat".to_vec(), vec![0; 250], b"ustar".to_vec()].concat();
        for (bytes, expected) in [
            (vec![], ArchiveError::Empty),
            (b"-- PostgreSQL database dump\n".to_vec(), ArchiveError::NoDump),
            (b"PGDM".to_vec(), ArchiveError::NoDump),
            (tar, ArchiveError::AnotherFormat),
            (dump(16, 3, "17.12"), ArchiveError::AnotherFormat),
            (dump(16, CUSTOM, "new\nest"), ArchiveError::Damaged),
            (MAGIC.to_vec(), ArchiveError::Damaged),
        ] {
            assert_eq!(ArchiveHeader::read(&bytes), Err(expected), "{bytes:?}");
        }
        for length in MAGIC.len()..whole.len() {
            assert_eq!(ArchiveHeader::read(&whole[..length]), Err(ArchiveError::Damaged), "{length} bytes");
        }
    }
}
