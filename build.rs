//! Embeds every manifest of `adapters/`, so that the binary needs no file beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=adapters");
    let mut list = String::from("&[\n");
    for file in manifests(&root.join("adapters")) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a manifest has a plain name");
        println!("cargo::rerun-if-changed=adapters/{name}");
        // A copy, so that what is built does not depend on where the source tree stands.
        let text = fs::read(&file).expect("a manifest can be read");
        fs::write(out.join(name), text).expect("the build directory is writable");
        writeln!(list, "    (\"adapters/{name}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))),")
            .expect("a String takes all");
    }
    list.push_str("]\n");
    fs::write(out.join("manifests.rs"), list).expect("the build directory is writable");
}

/// Sorted, so that one tree always gives one binary.
fn manifests(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("`adapters/` stands beside build.rs");
    let files = entries.map(|entry| entry.expect("`adapters/` can be read").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    files
}
