//! Every verb of the local API: its word, who may say it, what it is for.

macro_rules! verbs {
    ($($verb:ident = $word:literal, $who:ident, $params:ident, $doc:literal;)*) => {
        /// One verb; the same on both doors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Verb { $(#[doc = $doc] $verb,)* }

        impl Verb {
            /// Every verb, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$verb,)*];

            /// The word on the wire.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$verb => $word,)* }
            }

            /// What it is for.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$verb => $doc,)* }
            }

            /// Reads the word on the wire.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$verb),)* _ => None }
            }

            /// Who may say it.
            pub const fn who(self) -> Who {
                match self { $(Self::$verb => Who::$who,)* }
            }

            /// The name and the schema of its parameters.
            pub fn schema(self) -> (std::borrow::Cow<'static, str>, utoipa::openapi::RefOr<utoipa::openapi::Schema>) {
                use utoipa::{PartialSchema, ToSchema};
                match self { $(Self::$verb => (
                    <super::params::$params as ToSchema>::name(), <super::params::$params as PartialSchema>::schema()
                ),)* }
            }
        }
    };
}

/// Who may say a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A connection to the agent's socket, because it is about that connection.
    Connection,
    /// Agent and operator; on HTTP also by GET, because it changes nothing.
    Reader,
    /// Agent and operator.
    Agent,
    /// The operator; on HTTP also by GET, because it changes nothing.
    OperatorReads,
    /// The operator, on `control.sock` or with the token.
    Operator,
}

impl Who {
    /// Whether it may come over the agent's socket.
    pub const fn on_socket(self) -> bool {
        matches!(self, Self::Connection | Self::Reader | Self::Agent)
    }

    /// Whether it changes nothing.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Reader | Self::OperatorReads)
    }
}

verbs! {
    Ping = "ping", Reader, Nothing, "Answers an empty object.";
    Version = "version", Reader, Nothing, "The bridge's version, and where its state is.";
    Subscribe = "subscribe", Connection, Subscribe, "Become the reader of a consumer.";
    Ack = "ack", Agent, Ack, "Done; the actions commit with it.";
    Reply = "reply", Agent, Reply, "Ack, and send into the same conversation.";
    Nack = "nack", Agent, Nack, "Again later.";
    Extend = "extend", Agent, Extend, "Still at it: the lease starts anew.";
    Reject = "reject", Agent, Reject, "To the dead letters.";
    Act = "act", Agent, Act, "An action; answers with its receipt, or with its id when `wait` runs out.";
    Receipt = "receipt", Reader, Receipt, "What became of an action.";
    Workspaces = "workspaces", Reader, Nothing, "The joined workspaces.";
    History = "history", Reader, History, "Messages of a conversation, a page at a time.";
    Message = "message", Reader, Message, "One message, as it stands now.";
    Conversations = "conversations", Reader, OfWorkspace, "The conversations of a workspace.";
    Conversation = "conversation", Reader, OfConversation, "One conversation.";
    Files = "files", Reader, OfConversation, "The files of a conversation.";
    People = "people", Reader, OfWorkspace, "The people of a workspace, or of one conversation.";
    Me = "me", Reader, InWorkspace, "What the platform knows of the agent: its ids, names and rights.";
    Document = "document", Reader, Document, "The text of a document.";
    Desk = "desk", Reader, Desk, "The agent's own desk: its documents, calendar, e-mail and skill text.";
    Documents = "documents", Reader, OfWorkspace, "The documents that a workspace was given.";
    DocumentAdd = "document_add", Operator, DocumentAdd, "Give a workspace a document, by its share link or token.";
    DocumentRemove = "document_remove", Operator, Document, "Take a document from a workspace; its token is erased.";
    Call = "call", Agent, Call, "Any other request on the platform, signed in; off unless configured.";
    Status = "status", OperatorReads, Status, "How the bridge and its workspaces stand.";
    Trace = "trace", OperatorReads, Trace, "The way of an event or an action, with times.";
    Join = "join", Operator, Join, "Take a seat in a workspace.";
    Leave = "leave", Operator, Leave, "Give a seat up; its secrets are erased.";
    Consumers = "consumers", OperatorReads, Nothing, "The consumers and how they stand.";
    ConsumerAdd = "consumer_add", Operator, ConsumerSettings, "Make a consumer.";
    ConsumerSet = "consumer_set", Operator, ConsumerSettings, "Change a consumer.";
    ConsumerRemove = "consumer_remove", Operator, OfConsumer, "Remove a consumer with its marks and dead letters.";
    ConsumerEnable = "consumer_enable", Operator, OfConsumer, "Switch a consumer on.";
    ConsumerDisable = "consumer_disable", Operator, OfConsumer, "Switch a consumer off.";
    ConsumerSecret = "consumer_secret", Operator, ConsumerSecret, "A new secret to sign a webhook with, or the end of a rotation.";
    Dead = "dead", OperatorReads, Dead, "The dead letters of a consumer.";
    DeadRetry = "dead_retry", Operator, OfLetter, "Deliver a dead letter again.";
    DeadDrop = "dead_drop", Operator, OfLetter, "Drop a dead letter for good.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for verb in Verb::ALL {
            assert_eq!(Verb::parse(verb.word()), Some(*verb));
        }
        assert_eq!(Verb::parse("Ack"), None);
    }
}
