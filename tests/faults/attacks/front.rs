//! What stands between the bridge and a simulated platform: it keeps all that passes, and answers as an attacker
//! where a rule says so.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What an attacker answers, in place of the platform.
#[derive(Clone)]
pub enum Foul {
    /// These bytes, then the connection closes.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more, and the connection stays.
    Hang(Vec<u8>),
    /// The first bytes, then the second again and again without end.
    Endless(Vec<u8>, Vec<u8>),
    /// The first bytes, then the second again and again, one after each of these pauses.
    Drip(Vec<u8>, Vec<u8>, std::time::Duration),
}

impl Foul {
    /// An answer with this status line, these header lines and this body.
    pub fn whole(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n");
        Self::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }
}

/// Asked with the request line; `None` lets the platform answer.
type Rule = Box<dyn Fn(&str) -> Option<Foul> + Send>;

#[derive(Default)]
struct State {
    rule: Option<Rule>,
    struck: Vec<String>,
    passed: Vec<u8>,
}

/// Stops when dropped.
pub struct Front {
    /// `http://127.0.0.1:port`.
    pub origin: String,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl Front {
    /// In front of this origin.
    pub async fn of(origin: &str) -> Self {
        let behind = origin.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let state: Arc<Mutex<State>> = Arc::default();
        let mut tasks = JoinSet::new();
        let shared = state.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, behind) = (shared.clone(), behind.clone());
                // A peer that goes away in the middle is no failure of the front.
                connections.spawn(async move { drop(serve(stream, &behind, &shared).await) });
            }
        });
        Self { origin, state, _tasks: tasks }
    }

    /// From now on these requests are answered so.
    pub fn rule(&self, rule: impl Fn(&str) -> Option<Foul> + Send + 'static) {
        self.state.lock().expect("no test panics while it holds this").rule = Some(Box::new(rule));
    }

    /// From now on the platform answers everything.
    pub fn clear(&self) {
        self.state.lock().expect("no test panics while it holds this").rule = None;
    }

    /// The request lines that a rule has answered, since this was last asked.
    pub fn struck(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("no test panics while it holds this").struck)
    }

    /// All bytes in both directions so far.
    pub fn passed(&self) -> String {
        String::from_utf8_lossy(&self.state.lock().expect("no test panics while it holds this").passed).into_owned()
    }
}

async fn serve(mut near: TcpStream, behind: &str, state: &Mutex<State>) -> std::io::Result<()> {
    let request = one_request(&mut near).await?;
    let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
    let foul = {
        let mut state = state.lock().expect("no test panics while it holds this");
        state.passed.extend_from_slice(&request);
        let foul = state.rule.as_ref().and_then(|rule| rule(&line));
        if foul.is_some() {
            state.struck.push(line);
        }
        foul
    };
    if let Some(foul) = foul {
        return answer(near, foul).await;
    }
    let mut far = TcpStream::connect(behind).await?;
    far.write_all(&last_on_its_connection(&request)).await?;
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = far.read(&mut buffer).await?;
        if read == 0 {
            return near.shutdown().await;
        }
        state.lock().expect("no test panics while it holds this").passed.extend_from_slice(&buffer[..read]);
        near.write_all(&buffer[..read]).await?;
    }
}

async fn answer(mut near: TcpStream, foul: Foul) -> std::io::Result<()> {
    match foul {
        Foul::Bytes(bytes) => {
            near.write_all(&bytes).await?;
            near.shutdown().await
        }
        Foul::Hang(bytes) => {
            near.write_all(&bytes).await?;
            // Until the bridge goes away.
            near.read_to_end(&mut Vec::new()).await.map(drop)
        }
        Foul::Endless(first, again) => {
            near.write_all(&first).await?;
            loop {
                near.write_all(&again).await?;
            }
        }
        Foul::Drip(first, again, pause) => {
            near.write_all(&first).await?;
            let mut pause = tokio::time::interval(pause);
            loop {
                pause.tick().await;
                near.write_all(&again).await?;
            }
        }
    }
}

/// Head and body of a request.
async fn one_request(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let (mut request, mut buffer) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        if let Some(at) = request.windows(4).position(|it| it == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..at]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if request.len() >= at + 4 + length.unwrap_or(0) {
                return Ok(request);
            }
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
}

/// One request a connection: whoever answers closes it.
fn last_on_its_connection(request: &[u8]) -> Vec<u8> {
    let end = request.windows(2).position(|it| it == b"\r\n").unwrap_or(request.len());
    [&request[..end], b"\r\nconnection: close", &request[end..]].concat()
}
