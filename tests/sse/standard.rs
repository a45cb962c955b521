//! The standard's own steps (HTML 9.2.5 and 9.2.6), transcribed naively: whole body, no bounds. The model for the parser.

/// What [`super::read`] must say about the whole body.
pub fn read(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut state = State::default();
    // What follows the last line end is no line.
    if let Some((lines, _)) = text.rsplit_once('\n') {
        lines.split('\n').for_each(|line| state.line(line));
    }
    state.said.push(format!("resume at [{}]", state.last_id));
    state.said
}

#[derive(Default)]
struct State {
    said: Vec<String>,
    data: String,
    event_type: String,
    id: String,
    last_id: String,
}

impl State {
    fn line(&mut self, line: &str) {
        match line.split_once(':') {
            _ if line.is_empty() => self.dispatch(),
            Some(("", _)) => self.said.push("comment".into()),
            Some((name, value)) => self.field(name, value.strip_prefix(' ').unwrap_or(value)),
            None => self.field(line, ""),
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => self.event_type = value.into(),
            "data" => self.data.extend([value, "\n"]),
            "id" if !value.contains('\0') => self.id = value.into(),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.said.push(format!("retry {}", value.parse().unwrap_or(u64::MAX)));
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_id.clone_from(&self.id);
        let event_type = std::mem::take(&mut self.event_type);
        let data = std::mem::take(&mut self.data);
        if let Some(data) = data.strip_suffix('\n') {
            let name = if event_type.is_empty() { "message" } else { &event_type };
            self.said.push(format!("{name} [{}] {data:?}", self.id));
        }
    }
}
