//! The package of Fedora, openSUSE and their kin, in version 3 of its format, which all read.
//!
//! It is a lead, which nobody reads any more, a header with digests, the header, and an archive of
//! cpio. A header is a list of entries (tag, type, offset, count) and the data that they are of.

use std::collections::BTreeMap;

use anyhow::Result;

use super::archive::{Entry, gzip};
use super::artifact::Artifact;
use super::contents::{Contents, DOC, SUMMARY};
use super::hash;
use super::release::Release;

/// Once the unit is there, systemd is told, where it runs.
const POSTIN: &str = "[ -d /run/systemd/system ] && systemctl daemon-reload || :\n";

/// What the reader of the package must know: a name and the version that has it.
const READER: [(&str, &str); 3] = [
    ("rpmlib(CompressedFileNames)", "3.0.4-1"),
    ("rpmlib(FileDigests)", "4.6.0-1"),
    ("rpmlib(PayloadFilesHavePrefix)", "4.0-1"),
];

/// "At most this version", asked of the reader itself.
const READER_FLAGS: u32 = 1 << 24 | 1 << 3 | 1 << 1;

/// Exactly this version.
const EQUAL: u32 = 1 << 3;

/// SHA-256, in the numbers of OpenPGP.
const SHA256: u32 = 8;

/// Makes the package.
pub fn make(release: &Release, contents: &Contents) -> Result<Artifact> {
    let files = files(contents)?;
    let payload = cpio(&files, release.epoch);
    let packed = gzip(&payload)?;
    let header = header(release, &files, &packed)?;
    let size = u32::try_from(header.len() + packed.len())?;
    let mut signature = Header::default();
    signature.text(273, &hash::hex(&header));
    signature.words(1000, &[size]);
    signature.words(1007, &[u32::try_from(payload.len())?]);
    let mut out = lead(&format!("ostler-{}-1", release.version));
    out.extend(signature.bytes(62)?);
    out.resize(out.len().next_multiple_of(8), 0);
    out.extend(header);
    out.extend(packed);
    let name = format!("ostler-{}-1.{}.rpm", release.version, release.target.rpm());
    Ok(Artifact { name, data: out })
}

fn files(contents: &Contents) -> Result<Vec<Entry>> {
    let mut files = contents.installed("usr/share/zsh/site-functions")?;
    files.push(Entry::file(format!("{DOC}/CHANGELOG.md"), contents.changelog.clone()));
    for (name, text) in &contents.licences {
        files.push(Entry::file(format!("usr/share/licenses/ostler/{name}"), text.clone()));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn header(release: &Release, files: &[Entry], packed: &[u8]) -> Result<Vec<u8>> {
    let epoch = u32::try_from(release.epoch)?;
    let sizes: Vec<u32> =
        files.iter().map(|file| u32::try_from(file.data.len())).collect::<Result<_, _>>()?;
    let mut out = Header::default();
    out.texts(100, &["C"]);
    out.text(1000, "ostler");
    out.text(1001, &release.version);
    out.text(1002, "1");
    out.translated(1004, "process manager for applications in any language");
    out.translated(1005, &format!("{SUMMARY}."));
    out.words(1006, &[epoch]);
    out.text(1007, "localhost");
    out.words(1009, &[sizes.iter().sum()]);
    out.text(1014, "MIT OR Apache-2.0");
    out.translated(1016, "System Environment/Daemons");
    out.text(1020, "https://github.com/ostler-pm/ostler");
    out.text(1021, "linux");
    out.text(1022, release.target.rpm());
    out.text(1024, POSTIN);
    out.text(1044, &format!("ostler-{}-1.src.rpm", release.version));
    out.text(1086, "/bin/sh");
    let version = format!("{}-1", release.version);
    out.texts(1047, &["ostler"]);
    out.words(1112, &[EQUAL]);
    out.texts(1113, &[&version]);
    out.words(1048, &[READER_FLAGS; READER.len()]);
    out.texts(1049, &READER.map(|(name, _)| name));
    out.texts(1050, &READER.map(|(_, version)| version));
    out.text(1124, "cpio");
    out.text(1125, "gzip");
    out.text(1126, "9");
    out.text(5062, "utf-8");
    out.texts(5092, &[&hash::hex(packed)]);
    out.words(5093, &[SHA256]);
    add_files(&mut out, files, &sizes, epoch)?;
    out.bytes(63)
}

/// Adds the list of files: an array for each thing that is known of them.
fn add_files(out: &mut Header, files: &[Entry], sizes: &[u32], epoch: u32) -> Result<()> {
    let split = |file: &Entry| {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        (format!("/{folder}/"), name.to_owned())
    };
    let (folders, names): (Vec<String>, Vec<String>) = files.iter().map(split).unzip();
    let mut unique = folders.clone();
    unique.sort();
    unique.dedup();
    let places = folders.iter().map(|of| unique.iter().position(|other| other == of));
    let places: Vec<u32> =
        places.map(|at| u32::try_from(at.unwrap_or_default())).collect::<Result<_, _>>()?;
    let all = |text: &'static str| vec![text; files.len()];
    let each = |word: u32| vec![word; files.len()];
    let digests: Vec<String> = files.iter().map(|file| hash::hex(&file.data)).collect();
    let modes = files.iter().map(|file| u16::try_from(0o100_000 | file.mode));
    let numbers = (1..).take(files.len()).collect::<Vec<u32>>();
    out.words(1028, sizes);
    out.halves(1030, &modes.collect::<Result<Vec<_>, _>>()?);
    out.halves(1033, &vec![0; files.len()]);
    out.words(1034, &each(epoch));
    out.texts(1035, &digests);
    out.texts(1036, &all(""));
    out.words(1037, &each(0));
    out.texts(1039, &all("root"));
    out.texts(1040, &all("root"));
    out.words(1045, &each(u32::MAX));
    out.words(1095, &each(1));
    out.words(1096, &numbers);
    out.texts(1097, &all(""));
    out.words(1116, &places);
    out.texts(1117, &names);
    out.texts(1118, &unique);
    out.words(5011, &[SHA256]);
    Ok(())
}

/// A header in the making: of each tag its type, the number of its values, and these.
#[derive(Default)]
struct Header {
    entries: BTreeMap<u32, (Kind, usize, Vec<u8>)>,
}

/// Types of values, in the numbers of the format.
#[derive(Clone, Copy)]
enum Kind {
    Half = 3,
    Word = 4,
    Text = 6,
    Bytes = 7,
    Texts = 8,
    Translated = 9,
}

impl Kind {
    /// What the place of a value is a multiple of.
    fn alignment(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Word => 4,
            Self::Text | Self::Bytes | Self::Texts | Self::Translated => 1,
        }
    }
}

impl Header {
    fn halves(&mut self, tag: u32, values: &[u16]) {
        let bytes = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        self.entries.insert(tag, (Kind::Half, values.len(), bytes));
    }

    fn words(&mut self, tag: u32, values: &[u32]) {
        let bytes = values.iter().flat_map(|value| value.to_be_bytes()).collect();
        self.entries.insert(tag, (Kind::Word, values.len(), bytes));
    }

    fn text(&mut self, tag: u32, text: &str) {
        self.entries.insert(tag, (Kind::Text, 1, ended(&[text])));
    }

    fn translated(&mut self, tag: u32, text: &str) {
        self.entries.insert(tag, (Kind::Translated, 1, ended(&[text])));
    }

    fn texts(&mut self, tag: u32, texts: &[impl AsRef<str>]) {
        self.entries.insert(tag, (Kind::Texts, texts.len(), ended(texts)));
    }

    /// Returns it, with all of it in the region of this tag, which is what digests are of.
    fn bytes(&self, region: u32) -> Result<Vec<u8>> {
        let count = u32::try_from(self.entries.len() + 1)?;
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, (kind, number, bytes)) in &self.entries {
            data.resize(usize::next_multiple_of(data.len(), kind.alignment()), 0);
            index.extend(entry(*tag, *kind, data.len(), *number)?);
            data.extend_from_slice(bytes);
        }
        let first = entry(region, Kind::Bytes, data.len(), 16)?;
        // Its own data is an entry that says how far before it the list begins.
        for word in [region, Kind::Bytes as u32, (16 * count).wrapping_neg(), 16] {
            data.extend(word.to_be_bytes());
        }
        let mut out = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        out.extend(count.to_be_bytes());
        out.extend(u32::try_from(data.len())?.to_be_bytes());
        out.extend(first);
        out.extend(index);
        out.extend(data);
        Ok(out)
    }
}

fn entry(tag: u32, kind: Kind, at: usize, count: usize) -> Result<Vec<u8>> {
    let words = [tag, kind as u32, u32::try_from(at)?, u32::try_from(count)?];
    Ok(words.iter().flat_map(|word| word.to_be_bytes()).collect())
}

fn ended(texts: &[impl AsRef<str>]) -> Vec<u8> {
    texts.iter().flat_map(|text| text.as_ref().bytes().chain([0])).collect()
}

/// What a package begins with: format, kind, and a name.
fn lead(name: &str) -> Vec<u8> {
    let mut out = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0, 0, 1];
    out.extend(name.bytes().take(65));
    out.resize(76, 0);
    // Linux, a header for the signature.
    out.extend([0, 1, 0, 5]);
    out.resize(96, 0);
    out
}

/// The archive, in the form `newc`.
fn cpio(files: &[Entry], epoch: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, file) in (1..).zip(files) {
        let mode = 0o100_000 | file.mode;
        member(&mut out, &format!("./{}", file.path), [number, mode, 1], epoch, &file.data);
    }
    member(&mut out, "TRAILER!!!", [0, 0, 1], 0, &[]);
    out
}

/// Adds a file of this number, mode and count of links.
fn member(out: &mut Vec<u8>, name: &str, of: [u32; 3], epoch: u64, data: &[u8]) {
    let [number, mode, links] = of;
    let (size, length) = (data.len(), name.len() + 1);
    let head = format!(
        "070701{number:08x}{mode:08x}{:08x}{:08x}{links:08x}{epoch:08x}{size:08x}{:08x}{:08x}\
         {:08x}{:08x}{length:08x}{:08x}",
        0, 0, 0, 0, 0, 0, 0
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(name.as_bytes());
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(4), 0);
}
