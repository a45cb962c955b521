//! What an operator writes: manifests, the templates in them, the config.

use agent_bridge::adapter::{Call, Manifest, Path, Reference, Root, Scope, Template, parse};
use agent_bridge::config::Config;
use agent_bridge::http::{Body, Request};
use url::Url;

use super::choices;

const CANARY: &str = "canary-0123456789";

/// A manifest is refused at its file with words, or can be used: read again it is the same, and what the agent can make
/// it send goes to the platform's own origin and holds none of its secrets.
pub fn manifest(input: &[u8]) {
    let source = String::from_utf8_lossy(input);
    match parse("fuzz.yaml", &source) {
        Err(error) => {
            let said = error.to_string();
            assert!(said.starts_with("fuzz.yaml") && !error.message.trim().is_empty(), "it says `{said}`");
            assert!(!said.contains(char::is_control), "it says more than a line: {said:?}");
            // YAML has more line ends than one, and an end that comes too early is told of the line behind the last.
            let lines = source.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
            assert!(error.line <= lines + 1, "{said}");
        }
        Ok(manifest) => {
            let again = parse("fuzz.yaml", &source).expect("it was sound");
            assert_eq!(format!("{manifest:?}"), format!("{again:?}"));
            if !source.contains(CANARY) {
                usable(&manifest);
            }
        }
    }
}

fn usable(manifest: &Manifest) {
    let receive = &manifest.receive;
    let history = receive.history.iter().flat_map(|history| {
        let lists = history.rooms.iter().flat_map(|rooms| rooms.call().into_iter().chain([history.page(rooms)]));
        lists.collect::<Vec<_>>()
    });
    let acting = manifest.actions.iter().map(|(_, action)| &action.call);
    let asking = manifest.asks.iter().map(|(_, question)| &question.call);
    let plain = Scope::new().with_all(Root::Settings, manifest.ask.settings.names().map(|name| (name, "x")));
    let plain = plain.with(Root::Settings, "url", "https://fuzz.example");
    let Ok(base) = manifest.http.base.render(&plain) else { return };
    let Ok(base) = Url::parse(&base) else { return };
    for call in history.chain(acting).chain(asking).chain([&receive.call]) {
        let Ok(request) = call.request(&base, &full(call)) else { continue };
        assert_eq!(request.url.expose().origin(), base.origin(), "it leaves its origin");
        assert!(!shown(&request).contains(CANARY), "a secret goes out: {}", call.path.source());
    }
}

/// A value for everything that a call names.
fn full(call: &Call) -> Scope {
    let value = |scope: Scope, it: &&Reference| match it.root {
        Root::Secrets => scope.with_secret(it.root, &it.name, CANARY.to_owned().into()),
        _ => scope.with(it.root, &it.name, "a/../b?c#d\u{e9}"),
    };
    call.references().iter().fold(Scope::new(), value)
}

fn shown(request: &Request) -> String {
    let body = match &request.body {
        Body::Bytes { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let headers: Vec<_> = request.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    format!("{} {headers:?} {body}", request.url.expose())
}

/// A template is refused with words, or renders to its text with each value in its place: no value is read as a
/// template again, one that is missing is named, and no secret shows in what can be printed.
pub fn template(input: &[u8]) {
    let ([length], rest) = choices::<1>(input);
    let (source, value) = rest.split_at(length.min(rest.len()));
    let (source, value) = (String::from_utf8_lossy(source), String::from_utf8_lossy(value));
    if let Err(message) = source.parse::<Path>() {
        assert!(!message.is_empty());
    }
    let template: Template = match source.parse() {
        Ok(template) => template,
        Err(message) => return assert!(!message.is_empty()),
    };
    assert_eq!(template.source(), source);
    let mut expected = source.to_string();
    let mut scope = Scope::new();
    for it in template.references() {
        let mark = if it.optional { "?" } else { "" };
        let place = format!("{{{it}{mark}}}");
        expected = expected.replacen(&place, "\u{0}", 1);
        scope = scope.with_secret(it.root, &it.name, value.to_string().into());
    }
    let references = template.references().count();
    // The source may have NULs of its own: then only the length is known.
    let length = expected.len() - references + references * value.len();
    let rendered = template.render(&scope).expect("every value is there");
    assert_eq!(rendered.len(), length, "`{source}` with `{value}` is `{rendered}`");
    if !source.contains('\0') {
        assert_eq!(rendered, expected.replace('\0', &value));
    }
    match template.render(&Scope::new()) {
        Ok(text) => assert!(references == 0 && text == source),
        Err(missing) => assert!(template.references().any(|it| it.to_string() == missing.0)),
    }
    let canary = template
        .references()
        .fold(Scope::new(), |scope, it| scope.with_secret(it.root, &it.name, CANARY.to_owned().into()));
    assert!(!format!("{canary:?}").contains(CANARY), "a secret prints");
}

/// A config is refused at its file with words, or written again it is the same.
pub fn config(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Config::parse(&text, "config.toml") {
        Err(error) => {
            let said = error.to_string();
            assert!(said.starts_with("config.toml:") && said.len() > "config.toml: ".len(), "it says `{said}`");
            assert!(!said.contains(char::is_control), "it says more than a line: {said:?}");
        }
        Ok(config) => {
            let written = toml::to_string(&config).expect("a config can be written");
            let again = Config::parse(&written, "config.toml").expect("and read again");
            assert_eq!(config, again);
        }
    }
}
