//! The little Markdown that the platform renders, and the plain text of HTML.

/// Pairs of marks and the tag that they make; longer marks first.
const MARKS: [(&str, &str); 3] = [("**", "strong"), ("*", "em"), ("`", "code")];

/// Paragraphs become `<div>`s, line ends `<br>`; strong, em, code and links are kept, all else is escaped.
pub(crate) fn html(markdown: &str) -> String {
    let paragraphs = markdown.split("\n\n").filter(|it| !it.trim().is_empty());
    let blocks = paragraphs.map(|it| ["<div>", &inline(it.trim()).replace('\n', "<br>"), "</div>"].concat());
    blocks.collect()
}

fn inline(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    'text: while let Some(first) = rest.chars().next() {
        for (mark, tag) in MARKS {
            let inner = rest.strip_prefix(mark).and_then(|it| it.split_once(mark)).filter(|(it, _)| !it.is_empty());
            if let Some((inner, after)) = inner {
                let inner = if tag == "code" { escape(inner) } else { inline(inner) };
                out.extend(["<", tag, ">", &inner, "</", tag, ">"]);
                rest = after;
                continue 'text;
            }
        }
        if let Some((label, url, after)) = link(rest) {
            out.extend(["<a href=\"", &escape(url), "\">", &escape(label), "</a>"]);
            rest = after;
            continue;
        }
        let (one, after) = rest.split_at(first.len_utf8());
        out.push_str(&escape(one));
        rest = after;
    }
    out
}

/// `[label](url)` at the beginning, and what comes after it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (url, after) = rest.split_once(')')?;
    url.starts_with("http").then_some((label, url, after))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// HTML without its tags; blocks and `<br>` end lines.
pub(crate) fn plain(html: &str) -> String {
    let lines = html.replace("<br>", "\n").replace("</div><div>", "\n\n").replace("</p><p>", "\n\n");
    let mut out = String::new();
    let mut inside = false;
    for one in lines.chars() {
        match one {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            _ => out.push(one),
        }
    }
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
