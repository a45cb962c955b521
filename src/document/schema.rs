//! What rich editors call their nodes and marks. Three schemas are in use: Tiptap's names, ProseMirror's own, and
//! BlockNote's, which puts every block into a container with an id.

/// What a node is to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Paragraph,
    Heading,
    Code,
    Rule,
    Bullets,
    Numbers,
    Item,
    /// BlockNote: a list's line without a list around it.
    BulletLine,
    NumberLine,
    Quote,
    Break,
    /// Anything else is read as its text.
    Other,
}

/// What a node's name says.
pub(super) fn node(name: &str) -> Node {
    match name {
        "paragraph" => Node::Paragraph,
        "heading" => Node::Heading,
        "codeBlock" | "code_block" => Node::Code,
        "horizontalRule" | "horizontal_rule" | "divider" => Node::Rule,
        "bulletList" | "bullet_list" | "taskList" | "task_list" => Node::Bullets,
        "orderedList" | "ordered_list" => Node::Numbers,
        "listItem" | "list_item" | "taskItem" | "task_item" => Node::Item,
        "bulletListItem" | "checkListItem" => Node::BulletLine,
        "numberedListItem" => Node::NumberLine,
        "blockquote" | "quote" => Node::Quote,
        "hardBreak" | "hard_break" => Node::Break,
        _ => Node::Other,
    }
}

/// Which names to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    Tiptap,
    ProseMirror,
    BlockNote,
}

impl Schema {
    /// From the names that stand in the document, else from its shared type's name: an editor deletes what its schema
    /// does not know.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>, root: &str) -> Self {
        for name in names {
            match name {
                "blockGroup" | "blockContainer" => return Self::BlockNote,
                "bulletList" | "orderedList" | "listItem" | "codeBlock" | "horizontalRule" | "hardBreak" => {
                    return Self::Tiptap;
                }
                "bullet_list" | "ordered_list" | "list_item" | "code_block" | "horizontal_rule" | "hard_break" => {
                    return Self::ProseMirror;
                }
                _ => {}
            }
        }
        match root {
            "prosemirror" => Self::ProseMirror,
            "document-store" => Self::BlockNote,
            _ => Self::Tiptap,
        }
    }

    /// The name under which it writes a node.
    pub(super) const fn name(self, node: Node) -> &'static str {
        let plain = matches!(self, Self::ProseMirror);
        match node {
            Node::Heading => "heading",
            Node::Code if plain => "code_block",
            Node::Code => "codeBlock",
            Node::Rule if plain => "horizontal_rule",
            Node::Rule => "horizontalRule",
            Node::Bullets if plain => "bullet_list",
            Node::Bullets => "bulletList",
            Node::Numbers if plain => "ordered_list",
            Node::Numbers => "orderedList",
            Node::Item if plain => "list_item",
            Node::Item => "listItem",
            Node::BulletLine => "bulletListItem",
            Node::NumberLine => "numberedListItem",
            Node::Quote if matches!(self, Self::BlockNote) => "quote",
            Node::Quote => "blockquote",
            Node::Break if plain => "hard_break",
            Node::Break => "hardBreak",
            Node::Paragraph | Node::Other => "paragraph",
        }
    }

    /// The name under which it writes a mark of Markdown.
    pub(super) const fn mark(self, mark: Mark) -> &'static str {
        match (self, mark) {
            (Self::ProseMirror, Mark::Strong) => "strong",
            (Self::ProseMirror, Mark::Emphasis) => "em",
            (_, Mark::Strong) => "bold",
            (_, Mark::Emphasis) => "italic",
            (_, Mark::Code) => "code",
        }
    }
}

/// A mark of Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Strong,
    Emphasis,
    Code,
}

/// Whether text put in behind a mark's end stays outside of it, as it does in the editors: links and comments belong to
/// the words that they were made for.
pub(super) fn ends_with_its_text(mark: &str) -> bool {
    let name = mark.split("--").next().unwrap_or(mark);
    name == "link" || name == "ychange" || name.to_ascii_lowercase().contains("comment")
}
