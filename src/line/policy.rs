//! What the operator lets a workspace tell the agent: pure. What is held back is known from then on, and counted.

use crate::event::{Conversation, ConversationKind, Draft, Identity, Type};

/// What is told of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Direct conversations.
    pub direct: bool,
    /// All others.
    pub topics: bool,
    /// Only messages that are meant for the agent.
    pub mention_only: bool,
    /// Only these conversations, and those that hang from them; empty: all.
    pub allow_conversations: Vec<String>,
    /// Only what these people say, by id or handle; empty: all.
    pub allow_authors: Vec<String>,
}

impl Default for Policy {
    /// Everything.
    fn default() -> Self {
        let (allow_conversations, allow_authors) = (Vec::new(), Vec::new());
        Self { direct: true, topics: true, mention_only: false, allow_conversations, allow_authors }
    }
}

impl Policy {
    /// Whether an event is kept from the agent. Never what the bridge itself observed; nor the agent's own messages, by
    /// which the outbox knows where a conversation stands (consumers leave them out by themselves).
    pub fn holds_back(&self, draft: &Draft) -> bool {
        let own = draft.data.author.as_ref().is_some_and(|author| author.me);
        if draft.identity == Identity::Sequence || own {
            return false;
        }
        let place = draft.data.conversation.as_ref().filter(|conversation| !conversation.id.is_empty());
        let allowed = place.is_none_or(|conversation| self.allows(conversation));
        !(allowed && self.lets_speak(draft))
    }

    fn allows(&self, conversation: &Conversation) -> bool {
        let direct = conversation.kind == Some(ConversationKind::Direct);
        let listed = |id: &String| self.allow_conversations.contains(id);
        let among = self.allow_conversations.is_empty()
            || listed(&conversation.id)
            || [&conversation.parent, &conversation.root].into_iter().flatten().any(listed);
        among && if direct { self.direct } else { self.topics }
    }

    /// That something is gone is always told: it says nothing, and what it takes back may have been told.
    fn lets_speak(&self, draft: &Draft) -> bool {
        let says = matches!(
            draft.kind,
            Type::MessageCreated | Type::MessageUpdated | Type::MentionCreated | Type::EmailReceived
        );
        if !says {
            return true;
        }
        let author = draft.data.author.as_ref().and_then(|author| author.id.as_deref());
        let known = |author: &str| self.allow_authors.iter().any(|allowed| allowed.eq_ignore_ascii_case(author));
        let by_whom = self.allow_authors.is_empty() || author.is_some_and(known);
        by_whom && !(self.mention_only && draft.data.mentions_me == Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Author, Data, WorkspaceName};

    fn said(kind: Option<ConversationKind>, author: Option<&str>, mentions_me: bool) -> Draft {
        let conversation = Conversation {
            id: "c1".into(),
            kind,
            parent: Some("p1".into()),
            root: Some("r1".into()),
            ..Conversation::default()
        };
        let author = Author { id: author.map(str::to_owned), ..Author::default() };
        let data = Data {
            conversation: Some(conversation),
            author: Some(author),
            mentions_me: Some(mentions_me),
            ..Data::default()
        };
        Draft {
            workspace: WorkspaceName::new("acme").unwrap(),
            platform: None,
            kind: Type::MessageCreated,
            identity: Identity::Object { object: "m1".into(), revision: String::new() },
            time: String::new(),
            data,
        }
    }

    fn lists(conversations: &[&str], authors: &[&str]) -> Policy {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Policy { allow_conversations: own(conversations), allow_authors: own(authors), ..Policy::default() }
    }

    #[test]
    fn each_rule_holds_back_what_it_is_about_and_nothing_else() {
        let direct = said(Some(ConversationKind::Direct), Some("ann@x"), true);
        let group = said(Some(ConversationKind::Group), Some("bob@x"), false);
        let nobody = said(None, None, true);
        let no_direct = Policy { direct: false, ..Policy::default() };
        let no_topics = Policy { topics: false, ..Policy::default() };
        let mentions = Policy { mention_only: true, ..Policy::default() };
        let cases = [
            (Policy::default(), [false, false, false]),
            (no_direct, [true, false, false]),
            (no_topics, [false, true, true]),
            (mentions, [false, true, false]),
            (lists(&["c1"], &[]), [false, false, false]),
            (lists(&["p1"], &[]), [false, false, false]),
            (lists(&["r1"], &[]), [false, false, false]),
            (lists(&["c2"], &[]), [true, true, true]),
            (lists(&[], &["Ann@X"]), [false, true, true]),
        ];
        for (policy, wanted) in cases {
            assert_eq!([&direct, &group, &nobody].map(|draft| policy.holds_back(draft)), wanted, "{policy:?}");
        }
    }

    #[test]
    fn what_is_gone_what_is_our_own_and_what_the_bridge_sees_is_always_told() {
        let strict = Policy { mention_only: true, ..lists(&[], &["ann@x"]) };
        let gone = Draft { kind: Type::MessageDeleted, ..said(None, None, false) };
        let mut own = said(None, Some("me"), false);
        assert!(strict.holds_back(&own));
        own.data.author.as_mut().unwrap().me = true;
        let seen = Draft { identity: Identity::Sequence, ..said(None, None, false) };
        assert!(![gone, own, seen].iter().any(|draft| strict.holds_back(draft)));
    }
}
