//! Once a way has let us in: what its dialect does then, and the session that is opened, proved and asked who we are.

use super::progress::At;
use super::walk::Walk;
use super::{Error, identity};
use crate::adapter::Scope;
use crate::session::{self, GOT_AT, LASTS, Session, TOKEN};

impl Walk<'_> {
    /// What a dialect does once it is signed in, from where it stopped.
    pub(super) async fn then(&mut self, at: &At) -> Result<(), Error> {
        let way = self.way(&at.way)?;
        let Some(dialect) = way.steps.get(at.step).and_then(|step| step.dialects.get(at.dialect)) else {
            return Err(Error::Asked("the manifest changed during the join: leave and join again".into()));
        };
        for (index, call) in dialect.then.iter().enumerate().skip(at.then) {
            let line = format!("{}: {}", self.host(), session::label(call));
            (self.say)(&line);
            let session = self.session()?;
            self.touched = true;
            let answer = session.call(call, Scope::new()).await?;
            self.adopt(&session);
            if !answer.is_success() {
                let words = session::answer_words(&self.plan.manifest, call, &self.host(), &answer);
                return Err(Error::Unavailable(format!("{words}; run the same command again, it goes on from here")));
            }
            let secrets = self.take(call, &answer)?;
            self.progress.at = Some(At { then: index + 1, ..at.clone() });
            self.commit(secrets).await?;
        }
        if let Some(session) = &dialect.session {
            self.plan.record.session.clone_from(session);
        }
        Ok(())
    }

    /// Opens the session the way leads to, proves it, and learns what the bridge must know of itself.
    pub(super) async fn sign_in(&mut self, way: &str, entered: bool) -> Result<(), Error> {
        let mut stale = Vec::new();
        if !entered {
            self.plan.record.session = self.way(way)?.session;
            // A token from before says nothing about the credentials given now.
            stale.push((TOKEN.to_owned(), None));
            self.plan.record.facts.remove(GOT_AT);
            self.plan.record.facts.remove(LASTS);
        }
        self.commit(stale).await?;
        (self.say)("signing in");
        let session = self.session()?;
        let learnt = session.prove_and_learn().await;
        self.adopt(&session);
        learnt?;
        self.first_document(&session).await?;
        match &self.plan.owner {
            Some(owner) => identity::check_ids(&self.plan.manifest, owner, &self.plan.record),
            None => Ok(()),
        }
    }

    /// A share link given to the join is the workspace's first document, or one more.
    async fn first_document(&mut self, session: &Session) -> Result<(), Error> {
        let manifest = self.plan.manifest.clone();
        let token = manifest.share().and_then(|(_, secret)| self.plan.secrets.get(secret));
        let Some(token) = token.cloned() else { return Ok(()) };
        (self.say)("opening the document");
        let added = session.add_document(token).await;
        self.adopt(session);
        added.map(drop).map_err(Error::from)
    }

    fn session(&self) -> Result<Session, Error> {
        Ok(Session::open(self.means.clone(), self.plan.manifest.clone(), self.plan.record.clone())?)
    }

    /// What the session committed meanwhile (a login's token, facts) is ours as well.
    fn adopt(&mut self, session: &Session) {
        self.plan.record = session.record();
    }
}
