//! The folder of photos: `ab/abcd…`, each written whole and brought to disk before it has that name; `part/` for what is
//! still on its way. Nothing in it is ever changed; what did not arrive within a week is forgotten.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Deserialize;

use super::id::{Form, PhotoId};
use crate::config::{Settings, section};

/// A phone that was off for longer begins again.
const PARTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// Above this a request would not be read within its time.
const SIZE_LIMIT: usize = 64 * 1024 * 1024;

/// Section `photos`.
#[derive(Debug, Deserialize)]
struct Section {
    dir: String,
    size_max: usize,
}

/// The photos of a deployment.
#[derive(Debug, Clone)]
pub struct Photos(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    size_max: usize,
}

/// What came of a piece of a photo.
#[derive(Debug, PartialEq, Eq)]
pub enum Put {
    /// The whole photo is on disk.
    Stored,
    /// So many bytes are here; the next piece begins there.
    Waiting(usize),
    /// The piece begins after the last byte that is here; send from there.
    Gap(usize),
    /// Another request brings this photo just now.
    Busy,
    /// All bytes are here and they are another photo's; begin again.
    OtherBytes,
    /// It is none of the forms that are taken.
    NoPhoto,
}

/// A piece of a photo of `total` bytes, from byte `first` on.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub(super) first: usize,
    pub(super) total: usize,
    pub(super) bytes: &'a [u8],
}

impl Photos {
    /// The photos of these settings; the folder is made when the first one comes.
    ///
    /// # Errors
    /// When section `photos` of the configuration is wrong.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let Section { dir, size_max } = section("photos")?;
        anyhow::ensure!(
            (1_024..=SIZE_LIMIT).contains(&size_max),
            "photos.size_max must be from 1024 to {SIZE_LIMIT} bytes"
        );
        Ok(match dir.as_str() {
            "" => Self::at(settings.data_dir.join("photos"), size_max),
            dir => Self::at(dir, size_max),
        })
    }

    /// The photos in this folder.
    pub fn at(dir: impl Into<PathBuf>, size_max: usize) -> Self {
        let dir = dir.into();
        Self(Arc::new(Inner { dir, size_max }))
    }

    /// Largest photo, bytes.
    pub fn size_max(&self) -> usize {
        self.0.size_max
    }

    /// Whether the bytes of this photo are on disk.
    pub fn has(&self, id: &PhotoId) -> bool {
        self.path(id).is_file()
    }

    /// Those of `named` that are stored, word by word as they were named.
    pub fn stored<'a>(&self, named: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let has = |text: &&str| PhotoId::parse(text).is_ok_and(|id| self.has(&id));
        named.into_iter().filter(has).map(str::to_owned).collect()
    }

    /// A photo's bytes; `None`: not here.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn read(&self, id: &PhotoId) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(id)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How much of a photo is here from this sender.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn arrived(&self, id: &PhotoId, by: &str) -> io::Result<Put> {
        if self.has(id) {
            return Ok(Put::Stored);
        }
        match fs::metadata(self.part(id, by)) {
            Ok(part) => Ok(Put::Waiting(size(&part))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Put::Waiting(0)),
            Err(error) => Err(error),
        }
    }

    /// Takes a piece. A piece that came before is written over: a phone that lost our answer sends again.
    ///
    /// # Errors
    /// When the disk fails; nothing is acknowledged then.
    pub fn put(&self, id: &PhotoId, by: &str, piece: Piece<'_>) -> io::Result<Put> {
        if self.has(id) {
            return Ok(Put::Stored);
        }
        let path = self.part(id, by);
        self.make_room()?;
        let mut file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Put::Busy),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let here = size(&file.metadata()?);
        if piece.first > here {
            return Ok(Put::Gap(here));
        }
        write_from(&mut file, piece)?;
        let here = piece.first + piece.bytes.len();
        if here < piece.total {
            return Ok(Put::Waiting(here));
        }
        self.finish(id, &path, file)
    }

    /// Looks at the whole, brings it to disk and gives it its name.
    fn finish(&self, id: &PhotoId, path: &Path, mut file: File) -> io::Result<Put> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        let wrong = if PhotoId::of(&bytes) != *id {
            Some(Put::OtherBytes)
        } else if Form::of(&bytes).is_none() {
            Some(Put::NoPhoto)
        } else {
            None
        };
        if let Some(wrong) = wrong {
            fs::remove_file(path)?;
            return Ok(wrong);
        }
        file.sync_all()?;
        let to = self.path(id);
        let shelf = to.parent().unwrap_or(&self.0.dir);
        private_dir(shelf)?;
        fs::rename(path, &to)?;
        File::open(shelf)?.sync_all()?;
        File::open(&self.0.dir)?.sync_all()?;
        Ok(Put::Stored)
    }

    fn path(&self, id: &PhotoId) -> PathBuf {
        self.0.dir.join(&id.as_str()[..2]).join(id.as_str())
    }

    /// Each sender has an own one: nobody can spoil what another is sending.
    fn part(&self, id: &PhotoId, by: &str) -> PathBuf {
        let by = PhotoId::of(by.as_bytes());
        self.parts()
            .join(format!("{}.{}", id.as_str(), &by.as_str()[..16]))
    }

    fn parts(&self) -> PathBuf {
        self.0.dir.join("part")
    }

    /// Parts that nobody finished go by the disk's own clock, which is the one that stamped them.
    fn make_room(&self) -> io::Result<()> {
        private_dir(&self.parts())?;
        let oldest = SystemTime::now() - PARTS_KEPT;
        for entry in fs::read_dir(self.parts())? {
            let entry = entry?;
            // Another request may have finished it meanwhile.
            if entry.metadata().is_ok_and(|part| is_before(&part, oldest)) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

fn is_before(part: &fs::Metadata, moment: SystemTime) -> bool {
    part.modified().is_ok_and(|at| at < moment)
}

fn size(file: &fs::Metadata) -> usize {
    usize::try_from(file.len()).unwrap_or(usize::MAX)
}

/// Only this program's user looks at photos of people's homes.
fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn write_from(file: &mut File, piece: Piece<'_>) -> io::Result<()> {
    let first = piece.first as u64;
    file.set_len(first)?;
    file.seek(SeekFrom::Start(first))?;
    file.write_all(piece.bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PHOTO: &[u8] = b"\xff\xd8\xff\xe1 a photo with its EXIF";

    fn photos() -> (tempfile::TempDir, Photos) {
        let home = tempfile::tempdir().unwrap();
        let photos = Photos::at(home.path().join("photos"), 1 << 20);
        (home, photos)
    }

    fn piece(first: usize, last: usize) -> Piece<'static> {
        Piece {
            first,
            total: PHOTO.len(),
            bytes: &PHOTO[first..last],
        }
    }

    #[test]
    fn a_photo_is_kept_byte_by_byte_for_this_user_alone_and_twice_is_once() {
        let (home, photos) = photos();
        let id = PhotoId::of(PHOTO);
        assert!(!photos.has(&id));
        for _ in 0..2 {
            assert_eq!(
                photos.put(&id, "wang", piece(0, PHOTO.len())).unwrap(),
                Put::Stored
            );
        }
        assert_eq!(photos.read(&id).unwrap().as_deref(), Some(PHOTO));
        let kept = home
            .path()
            .join("photos")
            .join(&id.as_str()[..2])
            .join(id.as_str());
        assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(photos.parts()).unwrap().count(), 0);
    }

    #[test]
    fn a_photo_in_pieces_goes_on_where_the_link_broke() {
        let (_home, photos) = photos();
        let id = PhotoId::of(PHOTO);
        assert_eq!(photos.put(&id, "wang", piece(0, 5)).unwrap(), Put::Waiting(5));
        assert_eq!(
            photos.put(&id, "wang", piece(0, 5)).unwrap(),
            Put::Waiting(5),
            "sent again"
        );
        assert_eq!(photos.put(&id, "wang", piece(9, 12)).unwrap(), Put::Gap(5));
        assert_eq!(photos.arrived(&id, "wang").unwrap(), Put::Waiting(5));
        assert_eq!(
            photos.arrived(&id, "sun").unwrap(),
            Put::Waiting(0),
            "another phone"
        );
        assert!(!photos.has(&id), "half a photo proves nothing");
        let rest = photos.put(&id, "wang", piece(5, PHOTO.len())).unwrap();
        assert_eq!(rest, Put::Stored);
        assert_eq!(photos.arrived(&id, "sun").unwrap(), Put::Stored);
    }

    #[test]
    fn other_bytes_and_what_is_no_photo_are_thrown_away() {
        let (_home, photos) = photos();
        let other = PhotoId::of(b"something else");
        let whole = piece(0, PHOTO.len());
        assert_eq!(photos.put(&other, "wang", whole).unwrap(), Put::OtherBytes);
        assert!(!photos.has(&other));
        assert_eq!(
            photos.arrived(&other, "wang").unwrap(),
            Put::Waiting(0),
            "begins again"
        );
        let page = b"<html><script>";
        let script = Piece {
            first: 0,
            total: page.len(),
            bytes: page,
        };
        let id = PhotoId::of(page);
        assert_eq!(photos.put(&id, "wang", script).unwrap(), Put::NoPhoto);
        assert!(!photos.has(&id));
    }

    #[test]
    fn while_one_request_brings_a_photo_another_of_the_same_phone_waits() {
        let (_home, photos) = photos();
        let id = PhotoId::of(PHOTO);
        photos.put(&id, "wang", piece(0, 5)).unwrap();
        let held = open(&photos.part(&id, "wang")).unwrap();
        held.lock().unwrap();
        assert_eq!(photos.put(&id, "wang", piece(5, 9)).unwrap(), Put::Busy);
        drop(held);
        assert_eq!(photos.put(&id, "wang", piece(5, 9)).unwrap(), Put::Waiting(9));
    }

    #[test]
    fn what_did_not_arrive_within_a_week_is_forgotten() {
        let (_home, photos) = photos();
        let id = PhotoId::of(PHOTO);
        photos.put(&id, "wang", piece(0, 5)).unwrap();
        photos.put(&id, "sun", piece(0, 7)).unwrap();
        let old = SystemTime::now() - PARTS_KEPT - Duration::from_secs(60);
        open(&photos.part(&id, "wang"))
            .unwrap()
            .set_modified(old)
            .unwrap();
        photos.make_room().unwrap();
        assert_eq!(photos.arrived(&id, "wang").unwrap(), Put::Waiting(0));
        assert_eq!(photos.arrived(&id, "sun").unwrap(), Put::Waiting(7));
    }

    #[test]
    fn which_of_the_named_photos_are_stored_is_told_as_they_were_named() {
        let (_home, photos) = photos();
        let id = PhotoId::of(PHOTO);
        photos.put(&id, "wang", piece(0, PHOTO.len())).unwrap();
        let upper = id.as_str().to_ascii_uppercase();
        let missing = "ab".repeat(32);
        assert_eq!(photos.stored(["", "no hash", &missing, &upper]), [upper]);
    }
}
