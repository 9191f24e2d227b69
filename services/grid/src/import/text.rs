//! The text of a file as it comes: unpacked on the way, no larger than allowed, telling how far it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{GZIP_MAGIC, TEXT_BYTES_MAX};

/// Bytes on disk between two words about how far a file is read.
const TOLD_EVERY: u64 = 8 << 20;
const BUFFER_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How far a file is read, in bytes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Its name.
    pub file: &'a str,
    /// Bytes read.
    pub done: u64,
    /// Bytes there are.
    pub of: u64,
}

/// Who is told how far a file is read: every few megabytes, so never of a small one.
pub type Tell<'a> = &'a (dyn Fn(Progress<'_>) + 'a);

/// Text that is read as it comes.
pub(crate) type Text<'a> = Box<dyn BufRead + 'a>;

/// The text of the file at `path`, gzipped or not.
pub(crate) fn open<'a>(path: &Path, tell: Tell<'a>) -> io::Result<Text<'a>> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    if about.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let watched = Watched {
        from: file,
        name,
        done: 0,
        of: about.len(),
        tell,
    };
    unpacked(BufReader::with_capacity(BUFFER_BYTES, watched))
}

/// The text behind `from`, gzipped or not, without its byte-order mark.
pub(crate) fn unpacked<'a>(mut from: impl BufRead + 'a) -> io::Result<Text<'a>> {
    let mut text: Text<'a> = if from.fill_buf()?.starts_with(GZIP_MAGIC) {
        Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            Bounded::new(Unpacking(MultiGzDecoder::new(from))),
        ))
    } else {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, Bounded::new(from)))
    };
    if text.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        text.consume(BYTE_ORDER_MARK.len());
    }
    Ok(text)
}

struct Watched<'a> {
    from: File,
    name: String,
    done: u64,
    of: u64,
    tell: Tell<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        let before = self.done / TOLD_EVERY;
        self.done += count as u64;
        if self.done / TOLD_EVERY > before {
            (self.tell)(Progress {
                file: &self.name,
                done: self.done,
                of: self.of,
            });
        }
        Ok(count)
    }
}

/// Says of a broken archive that it is one.
struct Unpacking<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Unpacking<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let broken = |error| io::Error::other(format!("the gzip archive is broken: {error}"));
        self.0.read(into).map_err(broken)
    }
}

/// Refuses to go on behind [`TEXT_BYTES_MAX`]: a small archive can hold a text of any size.
struct Bounded<R> {
    from: R,
    left: u64,
}

impl<R> Bounded<R> {
    fn new(from: R) -> Bounded<R> {
        Bounded {
            from,
            left: TEXT_BYTES_MAX,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(format!("larger than {} MiB when unpacked", TEXT_BYTES_MAX >> 20))
        })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_large_file_says_how_far_it_is_and_a_small_one_nothing() {
        let folder = std::env::temp_dir().join(format!("relight-text-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("bus.csv");
        let told = RefCell::new(Vec::new());
        let tell = |at: Progress<'_>| {
            told.borrow_mut()
                .push((at.file.to_owned(), at.done >> 20, at.of >> 20))
        };
        for (mib, expected) in [(1, 0), (20, 2)] {
            std::fs::write(&path, vec![b'a'; mib << 20]).unwrap();
            let count = io::copy(&mut open(&path, &tell).unwrap(), &mut io::sink()).unwrap();
            assert_eq!(count, (mib << 20) as u64);
            assert_eq!(told.borrow().len(), expected, "{mib} MiB");
        }
        assert_eq!(told.borrow()[0], ("bus.csv".to_owned(), 8, 20));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn more_than_is_allowed_is_refused_and_the_rest_is_not_read() {
        let mut endless = Bounded {
            from: io::repeat(b'a'),
            left: 100,
        };
        let mut text = Vec::new();
        let error = io::Read::read_to_end(&mut endless, &mut text).unwrap_err();
        assert!(error.to_string().contains("larger than 2048 MiB"), "{error}");
    }

    #[test]
    fn a_broken_archive_says_so_and_a_byte_order_mark_is_no_text() {
        let mut text = String::new();
        let cut = [0x1f, 0x8b, 8, 0, 0];
        let read = unpacked(cut.as_slice()).and_then(|mut from| from.read_to_string(&mut text));
        assert!(read.unwrap_err().to_string().contains("gzip archive is broken"));
        let marked = b"\xef\xbb\xbfid".as_slice();
        unpacked(marked).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "id");
    }
}
