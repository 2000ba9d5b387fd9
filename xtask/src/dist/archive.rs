//! Archives that say nothing of the machine that made them: sorted, with one time, of root.

use std::collections::BTreeSet;
use std::io::Write as _;

use anyhow::{Result, bail};
use flate2::{Compression, GzBuilder};

/// A file in an archive.
#[derive(Clone)]
pub struct Entry {
    /// Where it is, from the top, without a slash before it.
    pub path: String,
    /// Its mode, such as 0o644.
    pub mode: u32,
    /// What is in it.
    pub data: Vec<u8>,
}

impl Entry {
    /// A file that is read.
    pub fn file(path: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o644, data: data.into() }
    }

    /// A file that is run.
    pub fn program(path: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), mode: 0o755, data: data.into() }
    }
}

/// Bytes of a block of tar.
const BLOCK: usize = 512;

/// Returns the tar file of these entries and of the folders above them, all below `top`.
pub fn tar(entries: &[Entry], top: &str, epoch: u64) -> Result<Vec<u8>> {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut out = Vec::new();
    for folder in folders(&entries) {
        header(&mut out, &format!("{top}{folder}/"), 0o755, 0, b'5', epoch)?;
    }
    for Entry { path, mode, data } in entries {
        header(&mut out, &format!("{top}{path}"), *mode, data.len(), b'0', epoch)?;
        out.extend_from_slice(data);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn folders(entries: &[&Entry]) -> BTreeSet<String> {
    let paths = entries.iter().map(|entry| entry.path.as_str());
    let above = |path: &str| {
        let ends = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
        ends.collect::<Vec<_>>()
    };
    paths.flat_map(above).collect()
}

/// Adds the header of a file (`0`) or folder (`5`), in the form of POSIX.1-1988.
fn header(
    out: &mut Vec<u8>,
    path: &str,
    mode: u32,
    size: usize,
    kind: u8,
    epoch: u64,
) -> Result<()> {
    let mut block = [0_u8; BLOCK];
    if 100 < path.len() {
        bail!("`{path}` is too long for an archive");
    }
    put(&mut block, 0, path.as_bytes());
    put(&mut block, 100, format!("{mode:07o}").as_bytes());
    put(&mut block, 108, b"0000000");
    put(&mut block, 116, b"0000000");
    put(&mut block, 124, format!("{size:011o}").as_bytes());
    put(&mut block, 136, format!("{epoch:011o}").as_bytes());
    put(&mut block, 148, b"        ");
    put(&mut block, 156, &[kind]);
    put(&mut block, 257, b"ustar\x0000");
    put(&mut block, 265, b"root");
    put(&mut block, 297, b"root");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&block);
    Ok(())
}

/// Writes a field of a header.
fn put(block: &mut [u8], at: usize, text: &[u8]) {
    block.iter_mut().skip(at).zip(text).for_each(|(place, byte)| *place = *byte);
}

/// Returns it compressed, without a name and a time.
pub fn gzip(data: &[u8]) -> Result<Vec<u8>> {
    // 255: no system is named.
    let mut file =
        GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    file.write_all(data)?;
    Ok(file.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::{Entry, tar};

    #[test]
    fn tar_reads_what_is_written() {
        let entries = [Entry::program("a/b/run", "x".repeat(700)), Entry::file("a/z", "")];
        let made = tar(&entries, "./", 86_400).unwrap();
        let mut list = Command::new("tar")
            .args(["--utc", "-tvf", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        list.stdin.take().unwrap().write_all(&made).unwrap();
        let told = list.wait_with_output().unwrap();
        assert!(told.status.success());
        let told = String::from_utf8(told.stdout).unwrap();
        let squeezed: Vec<String> = told
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            squeezed,
            [
                "drwxr-xr-x root/root 0 1970-01-02 00:00 ./a/",
                "drwxr-xr-x root/root 0 1970-01-02 00:00 ./a/b/",
                "-rwxr-xr-x root/root 700 1970-01-02 00:00 ./a/b/run",
                "-rw-r--r-- root/root 0 1970-01-02 00:00 ./a/z",
            ]
        );
    }
}
