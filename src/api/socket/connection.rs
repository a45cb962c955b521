//! One connection of an agent: takes calls in their order, answers as they finish.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Limits;
use super::write::{Answers, Deaf, line, write};
use crate::api::bridge::{Begun, Bridge, Caller};
use crate::api::lines::{Line, Lines};
use crate::api::params;
use crate::api::problem::Problem;
use crate::api::rpc;
use crate::api::verb::Verb;
use crate::deliver::{self, Subscription};

/// A call under way; it ends with its answer, if it was a request.
type Open = BoxFuture<'static, Option<(rpc::Id, Result<Value, Problem>)>>;

/// Why a connection ends from this side.
#[derive(Debug)]
enum End {
    /// The peer closed, or its stream failed.
    Peer,
    /// The peer does not read its answers.
    Deaf,
    /// The bridge stops.
    Stop,
}

impl From<Deaf> for End {
    fn from(_: Deaf) -> Self {
        Self::Deaf
    }
}

/// Serves one connection to its end.
pub async fn serve(stream: UnixStream, bridge: Bridge, limits: Limits, token: CancellationToken) {
    let (read, to) = stream.into_split();
    let (answers, outgoing) = line(limits.unread);
    let mut reader = Reader {
        bridge,
        limits,
        lines: Lines::new(read, limits.line),
        answers,
        open: FuturesUnordered::new(),
        requests: 0,
        caller: Caller::default(),
    };
    let ended = CancellationToken::new();
    let reading = async {
        let end = reader.run(&token, &ended).await;
        debug!(?end, "agent.sock: reading ended");
        if matches!(end, End::Deaf) {
            ended.cancel();
        }
        // Dropping the answers' sender lets the writer finish what it has and end; a stuck one is not waited for.
        drop(reader);
        if tokio::time::timeout(limits.last_answers, ended.cancelled()).await.is_err() {
            ended.cancel();
        }
    };
    let writing = async {
        write(to, outgoing, limits.stuck, &ended).await;
        ended.cancel();
    };
    tokio::join!(reading, writing);
}

struct Reader {
    bridge: Bridge,
    limits: Limits,
    lines: Lines<OwnedReadHalf>,
    answers: Answers,
    open: FuturesUnordered<Open>,
    /// Open calls that will be answered.
    requests: usize,
    caller: Caller,
}

impl Reader {
    async fn run(&mut self, token: &CancellationToken, ended: &CancellationToken) -> End {
        loop {
            // Notifications are not refused, so they wait here: for the store, never for the peer's reading.
            let room = self.open.len() < 4 * self.limits.open_requests;
            let step = tokio::select! {
                () = ended.cancelled() => return End::Peer,
                () = token.cancelled() => return self.finish(End::Stop).await,
                Some(done) = self.open.next() => self.answer_open(done),
                line = self.lines.next(), if room => match line {
                    Ok(Some(line)) => self.take(line).await,
                    // A peer that has said everything may still want its answers.
                    Ok(None) => return self.finish(End::Peer).await,
                    Err(_) => return End::Peer,
                },
            };
            if let Err(end) = step {
                return end;
            }
            if self.answers.pile_up() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Lets what is under way end, for a moment.
    async fn finish(&mut self, end: End) -> End {
        let last_answers = self.limits.last_answers;
        let rest = async {
            while let Some(done) = self.open.next().await {
                self.answer_open(done)?;
            }
            Ok::<(), End>(())
        };
        // What is not answered in time was committed or not; the peer asks again with the same key.
        let _ = tokio::time::timeout(last_answers, rest).await;
        end
    }

    fn answer_open(&mut self, done: Option<(rpc::Id, Result<Value, Problem>)>) -> Result<(), End> {
        let Some((id, outcome)) = done else { return Ok(()) };
        self.requests -= 1;
        self.say(&id, &outcome)
    }

    fn say(&self, id: &rpc::Id, outcome: &Result<Value, Problem>) -> Result<(), End> {
        Ok(self.answers.line(rpc::answer(id, outcome))?)
    }

    async fn take(&mut self, line: Line) -> Result<(), End> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                let word = format!("the line is over {} bytes and was skipped", self.limits.line);
                return self.say(&rpc::null(), &Err(Problem::new("line_too_long", word)));
            }
        };
        match rpc::parse(&line) {
            Ok(call) => self.call(call).await,
            Err(malformed) => self.say(&malformed.id, &Err(malformed.problem)),
        }
    }

    async fn call(&mut self, call: rpc::Call) -> Result<(), End> {
        if call.id.is_some() && self.requests >= self.limits.open_requests {
            let word = format!("{} requests are open: wait for an answer first", self.limits.open_requests);
            return self.refuse(call.id, Problem::new("too_many_requests", word));
        }
        self.caller.deaf = call.id.is_none();
        let begun = match verb(&call.method) {
            Ok(Verb::Subscribe) => return self.subscribe(call).await,
            Ok(verb) => self.bridge.begin(&self.caller, verb, &call.params).await,
            Err(problem) => Err(problem),
        };
        match begun {
            Err(problem) => self.refuse(call.id, problem),
            Ok(Begun::Done(value)) => call.id.map_or(Ok(()), |id| self.say(&id, &Ok(value))),
            Ok(Begun::Later(work)) => {
                self.keep(call.id, work);
                Ok(())
            }
        }
    }

    /// A notification is not answered, whatever becomes of it.
    fn refuse(&self, id: Option<rpc::Id>, problem: Problem) -> Result<(), End> {
        if let Some(id) = id {
            return self.say(&id, &Err(problem));
        }
        debug!(kind = problem.kind, "agent.sock: a notification was refused: {problem}");
        Ok(())
    }

    /// Lets a call run on; its place in line is taken already.
    fn keep(&mut self, id: Option<rpc::Id>, work: BoxFuture<'static, Result<Value, Problem>>) {
        self.requests += usize::from(id.is_some());
        let open: Open = Box::pin(async move {
            let outcome = work.await;
            id.map(|id| (id, outcome))
        });
        self.open.push(open);
    }

    async fn subscribe(&mut self, call: rpc::Call) -> Result<(), End> {
        let reads = self.caller.reader.as_ref().map(|(handle, _)| handle.name().to_owned());
        let subscription = match open_subscription(self.bridge.clone(), reads, &call.params).await {
            Ok(subscription) => subscription,
            Err(problem) => return self.refuse(call.id, problem),
        };
        let handle = subscription.consumer().clone();
        let answer = json!({ "consumer": handle.name() });
        self.caller.reader = Some((handle, subscription.id()));
        // The answer is in line before the first event.
        call.id.map_or(Ok(()), |id| self.say(&id, &Ok(answer)))?;
        Ok(self.answers.events(subscription)?)
    }
}

/// Becomes the reader; `reads` is the consumer that this connection reads already.
async fn open_subscription(bridge: Bridge, reads: Option<String>, raw: &RawValue) -> Result<Subscription, Problem> {
    let wants: params::Subscribe = rpc::params(raw)?;
    if let Some(other) = reads.filter(|name| *name != wants.consumer) {
        let word = format!("this connection reads `{other}`: open another one for `{}`", wants.consumer);
        return Err(Problem::new("already_subscribed", word));
    }
    let options = deliver::Subscribe {
        max_in_flight: wants.max_in_flight,
        per_lane: wants.per_lane,
        ack_wait: wants.ack_wait.map(|wait| wait.0),
        take_over: wants.take_over,
    };
    Ok(bridge.readers().handle(&wants.consumer)?.subscribe(options).await?)
}

/// The verb of a method, as far as this door knows it.
fn verb(method: &str) -> Result<Verb, Problem> {
    match Verb::parse(method) {
        Some(verb) if verb.who().on_socket() => Ok(verb),
        Some(_) => Err(Problem::new("unknown_method", format!("`{method}` is the operator's: use control.sock"))),
        None => {
            let method: String = method.chars().take(60).collect();
            Err(Problem::new("unknown_method", format!("there is no method `{method}`")))
        }
    }
}
