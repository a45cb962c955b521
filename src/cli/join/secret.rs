//! A secret from a file, from standard input or from a prompt; never from an argument.

use std::fs::File;
use std::io::{BufRead, IsTerminal, Read};
use std::path::Path;

use secrecy::SecretString;

use crate::adapter::Manifest;
use crate::cli::exit::{self, Fault};

/// The largest secret that a file or stdin may hold.
const LARGEST: u64 = 64 << 10;

/// A secret from where the operator said: `@FILE`, `-`, or nothing for a prompt.
pub fn obtain(name: &str, from: Option<&str>) -> Result<SecretString, Fault> {
    let text = match from {
        None => prompt(name)?,
        Some("-") => first_line(name)?,
        Some(file) if file.starts_with('@') => read(name, Path::new(&file[1..]))?,
        // The value itself is not repeated.
        Some(_) => {
            let ways = format!("--secret {name}=@FILE, {name}=- or {name} (a prompt)");
            return Err(Fault::usage(format!("a secret is never an argument: give {ways}")));
        }
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Fault::new(exit::DATA, format!("the secret `{name}` is empty")));
    }
    Ok(SecretString::from(text))
}

/// Refuses a name that the platform does not ask for.
pub fn is_asked(manifest: &Manifest, name: &str) -> Result<(), Fault> {
    let known = manifest.ask.secrets.iter().filter(|(_, secret)| !secret.taken).map(|(name, _)| name);
    let known: Vec<_> = known.collect();
    if known.contains(&name) {
        return Ok(());
    }
    Err(Fault::usage(if known.is_empty() {
        format!("{} asks for no secret: leave --secret out", manifest.title)
    } else {
        format!("{} asks for no such secret; it asks for {}", manifest.title, known.join(", "))
    }))
}

fn prompt(name: &str) -> Result<String, Fault> {
    if !std::io::stdin().is_terminal() {
        let word = format!("no terminal to ask for `{name}`: give --secret {name}=@FILE or {name}=-");
        return Err(Fault::usage(word));
    }
    let asked = dialoguer::Password::new().with_prompt(name).interact();
    asked.map_err(|error| Fault::new(exit::NO_INPUT, format!("`{name}` was not given: {error}")))
}

fn first_line(name: &str) -> Result<String, Fault> {
    let mut line = String::new();
    let read = std::io::stdin().lock().take(LARGEST).read_line(&mut line);
    read.map_err(|error| Fault::new(exit::NO_INPUT, format!("cannot read `{name}` from standard input: {error}")))?;
    Ok(line)
}

fn read(name: &str, path: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    read.map_err(|error| {
        let barred = error.kind() == std::io::ErrorKind::PermissionDenied;
        let code = if barred { exit::NO_PERMISSION } else { exit::NO_INPUT };
        Fault::new(code, format!("cannot read `{name}` from {}: {error}", path.display()))
    })?;
    Ok(text)
}
