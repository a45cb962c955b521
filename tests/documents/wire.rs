//! The way of one party to the server, which can be cut: at once, or within a frame.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How a way stands.
#[derive(Default)]
struct State {
    /// Bytes that may still pass, either way; `None`: all.
    left: Option<usize>,
    /// How often it was cut. A connection ends when that changes, however soon the way is mended.
    cuts: usize,
}

impl State {
    /// How many of so many bytes pass.
    fn pass(&mut self, bytes: usize) -> usize {
        let Some(left) = &mut self.left else { return bytes };
        let passes = bytes.min(*left);
        *left -= passes;
        if *left == 0 && passes > 0 {
            self.cuts += 1;
        }
        passes
    }
}

/// A way to a server on this machine.
pub struct Wire {
    port: u16,
    state: Arc<watch::Sender<State>>,
    _carrying: JoinSet<()>,
}

impl Wire {
    /// Leads to the server at this port, whenever it is there.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::new(watch::Sender::new(State::default()));
        let mut carrying = JoinSet::new();
        carrying.spawn(serve(listener, server, state.clone()));
        Self { port, state, _carrying: carrying }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends every connection once so many more bytes have passed, and takes none from then on.
    pub fn cut(&self, after: usize) {
        self.state.send_modify(|state| {
            state.left = Some(after);
            state.cuts += usize::from(after == 0);
        });
    }

    /// Takes connections again. What was to be cut and is not yet, is now.
    pub fn mend(&self) {
        self.state.send_modify(|state| state.cuts += usize::from(state.left.take().is_some_and(|left| left > 0)));
    }
}

async fn serve(listener: TcpListener, server: u16, state: Arc<watch::Sender<State>>) {
    let mut open = JoinSet::new();
    while let Ok((here, _)) = listener.accept().await {
        let (left, cuts) = (state.borrow().left, state.borrow().cuts);
        if let (None | Some(1..), Ok(there)) = (left, TcpStream::connect(("127.0.0.1", server)).await) {
            open.spawn(carry(here, there, state.clone(), cuts));
        }
        while open.try_join_next().is_some() {}
    }
}

/// Until either end closes, or the way is cut once more than it was.
async fn carry(party: TcpStream, server: TcpStream, state: Arc<watch::Sender<State>>, cuts: usize) {
    let mut cut = state.subscribe();
    let ((said, heard), (answers, asks)) = (party.into_split(), server.into_split());
    tokio::select! {
        () = pump(said, asks, &state) => {}
        () = pump(answers, heard, &state) => {}
        _ = cut.wait_for(|state| state.cuts != cuts) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &watch::Sender<State>) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let mut passes = 0;
        state.send_modify(|state| passes = state.pass(count));
        if to.write_all(&bytes[..passes]).await.is_err() {
            return;
        }
    }
}
