//! Says which commit the program is built from, since evidence names what made it.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=PIXELWITNESS_COMMIT");
    for path in ["src", "scenarios", "Cargo.toml", "Cargo.lock", "build.rs"] {
        println!("cargo:rerun-if-changed={path}");
    }
    // Every commit and checkout adds a line here.
    if let Some(path) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={path}");
    }
    // An image is built without the repository, and told.
    let commit = std::env::var("PIXELWITNESS_COMMIT").ok().or_else(commit);
    println!(
        "cargo:rustc-env=PIXELWITNESS_COMMIT={}",
        commit.unwrap_or_default()
    );
}

/// Nothing where there is no git, or this is no checkout of this project.
fn commit() -> Option<String> {
    let own = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if git(&["rev-parse", "--show-toplevel"])? != own {
        return None;
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        commit
    } else {
        // Two trees that were changed in two ways are two programs.
        let change = git(&["diff", "HEAD"]).map(|diff| {
            let mut hasher = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(&diff, &mut hasher);
            std::hash::Hasher::finish(&hasher)
        });
        format!("{commit}-dirty-{:016x}", change.unwrap_or_default())
    })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
