//! The scenarios of files and folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that was named, or found in a folder that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    /// What its bundle is called: the file's stem; of one in a folder, with the folders below that one before it.
    pub name: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    #[error("failed to read the folder `{}`: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("there is no scenario in `{}`", .0.display())]
    Empty(PathBuf),
}

/// A file as it is; of a folder every scenario in it and in the folders below, by name. What is passed over is given to
/// `passed_over`: policies, and JSON that is no recording. Folders whose name begins with a dot, and bundles, are not
/// looked into.
///
/// # Errors
/// If a folder cannot be read, or has no scenario in it.
pub fn find(path: &Path, passed_over: &mut dyn FnMut(&Path)) -> Result<Vec<Found>, NotFound> {
    if !path.is_dir() {
        return Ok(vec![Found {
            path: path.to_owned(),
            name: stem(path),
        }]);
    }
    let mut found = Vec::new();
    walk(path, Path::new(""), passed_over, &mut found)?;
    match found.is_empty() {
        true => Err(NotFound::Empty(path.to_owned())),
        false => Ok(found),
    }
}

fn walk(
    folder: &Path,
    below: &Path,
    passed_over: &mut dyn FnMut(&Path),
    found: &mut Vec<Found>,
) -> Result<(), NotFound> {
    let unreadable = |error| NotFound::Read {
        path: folder.to_owned(),
        error,
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let entries: io::Result<Vec<fs::DirEntry>> = entries.collect();
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for entry in entries.map_err(unreadable)? {
        // A link to a file is followed, as mounted configuration has them; one to a folder is not, since it may lead back.
        let is_folder = entry.file_type().map_err(unreadable)?.is_dir();
        paths.push((entry.path(), is_folder));
    }
    paths.sort();
    for (path, is_folder) in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if is_folder {
            if !path.join("bagit.txt").exists() {
                walk(&path, &below.join(&*name), passed_over, found)?;
            }
            continue;
        }
        let is_scenario = match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") if name.contains(".policy.") => false,
            Some("yaml" | "yml") => true,
            Some("json") => is_recording(&path),
            _ => continue,
        };
        match is_scenario {
            true => found.push(Found {
                name: below.join(stem(&path)),
                path,
            }),
            false => passed_over(&path),
        }
    }
    Ok(())
}

fn stem(path: &Path) -> PathBuf {
    PathBuf::from(path.file_stem().unwrap_or("scenario".as_ref()))
}

/// Whether it has what an export of the Chrome DevTools Recorder has. One that cannot be read is left to whoever reads
/// scenarios, who says why.
fn is_recording(path: &Path) -> bool {
    let text = fs::read(path).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&text)
        .map_or(true, |value| value["steps"].is_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_scenarios_below_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("b.yaml", "");
        write("a.yml", "");
        write("met/report.yaml", "");
        write("met/met.policy.yaml", "");
        write("recorded.json", "{\"title\":\"x\",\"steps\":[]}");
        write("cookies.json", "[{\"name\":\"c_user\"}]");
        write("notes.txt", "");
        write("..data/old.yaml", "");
        write("evidence/b/bagit.txt", "");
        write("evidence/b/data/scenario.yaml", "");
        std::os::unix::fs::symlink(
            folder.path().join("b.yaml"),
            folder.path().join("linked.yaml"),
        )
        .unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
        let mut passed_over = Vec::new();
        let found = find(folder.path(), &mut |path| {
            passed_over.push(path.file_name().unwrap().to_owned());
        })
        .unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|found| found.name.to_str().unwrap())
            .collect();
        assert_eq!(names, ["a", "b", "linked", "met/report", "recorded"]);
        assert_eq!(passed_over, ["cookies.json", "met.policy.yaml"]);
        let alone = find(&folder.path().join("met/report.yaml"), &mut |_| {}).unwrap();
        assert_eq!(alone[0].name, Path::new("report"));
        let none = find(&folder.path().join("..data/none"), &mut |_| {}).unwrap();
        // That it is not there says who reads it.
        assert_eq!(none.len(), 1);
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(
            find(empty.path(), &mut |_| {}),
            Err(NotFound::Empty(_))
        ));
    }
}
