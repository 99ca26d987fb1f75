//! Where a Chromium or Chrome may be.

use std::env;
use std::path::{Path, PathBuf};

use super::{BrowserError, install};

/// Names on the PATH, the most open first.
const NAMES: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "chrome-headless-shell",
];

/// Places that packages install to without a name on the PATH.
const PLACES: [&str; 5] = [
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Finds a browser: the one named, else `PIXELWITNESS_BROWSER`, else the PATH, else the usual places,
/// else one that [`install`] downloaded.
///
/// # Errors
/// [`BrowserError::NotRunnable`] if the one that was named is no executable file,
/// [`BrowserError::NotFound`] if there is none.
pub fn find(named: Option<&Path>) -> Result<PathBuf, BrowserError> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| env::var_os("PIXELWITNESS_BROWSER").map(PathBuf::from));
    if let Some(path) = named {
        if path.components().count() == 1
            && let Some(found) = on_path(&path)
        {
            return Ok(found);
        }
        return match executable(&path) {
            Ok(()) => Ok(path),
            Err(why) => Err(BrowserError::NotRunnable { path, why }),
        };
    }
    NAMES
        .iter()
        .find_map(|name| on_path(Path::new(name)))
        .or_else(|| {
            PLACES
                .iter()
                .map(PathBuf::from)
                .find(|path| executable(path).is_ok())
        })
        .or_else(install::downloaded)
        .ok_or(BrowserError::NotFound)
}

/// The first executable of that name on the PATH.
pub(super) fn on_path(name: &Path) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| executable(path).is_ok())
}

fn executable(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is not a file".into());
    }
    if meta.permissions().mode() & 0o111 == 0 {
        return Err("it is not executable".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_browser_must_be_an_executable_file() {
        let error = find(Some(Path::new("/nowhere/chromium"))).unwrap_err();
        assert!(matches!(error, BrowserError::NotRunnable { .. }), "{error}");
        let folder = find(Some(Path::new("/"))).unwrap_err();
        assert!(folder.to_string().contains("not a file"), "{folder}");
        let plain = tempfile::NamedTempFile::new().unwrap();
        let plain = find(Some(plain.path())).unwrap_err();
        assert!(plain.to_string().contains("not executable"), "{plain}");
        assert!(find(Some(Path::new("sh"))).unwrap().ends_with("sh"));
    }
}
