//! Direct uploads: a blob is announced to the platform, its bytes go to the storage, a chat names it.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Sim,
    answer::{Answer, Outcome, Refusal, refuse},
    asked::{Asked, text, within},
    log::{Facts, Noted},
    md5,
    record::{Blob, GrantId},
    world::World,
};
use crate::answer::with_note;

/// `POST /files`: the blob and where its bytes go.
pub(crate) async fn announce(State(sim): State<Sim>, asked: Asked) -> Outcome {
    sim.as_agent(&asked, |world, grant| {
        world.needs(grant, "attachments")?;
        let body = asked.object()?;
        let bad = |what| refuse(400, format!("blob.{what} is missing or wrong"), "files.create.400");
        let blob = within(&body, "blob").ok_or_else(|| refuse(400, "blob is missing", "files.create.400"))?;
        let sum = text(blob, "checksum").filter(|it| STANDARD.decode(it).is_ok_and(|it| it.len() == 16));
        let key = world.ids.secret("");
        let blob = Blob {
            id: world.next_id(),
            grant: Some(grant),
            signed_id: format!("sgid_{}", world.ids.secret("")),
            filename: text(blob, "filename").ok_or_else(|| bad("filename"))?.into(),
            content_type: text(blob, "content_type").ok_or_else(|| bad("content_type"))?.into(),
            byte_size: blob.get("byte_size").and_then(Value::as_u64).ok_or_else(|| bad("byte_size"))?,
            checksum: sum.ok_or_else(|| bad("checksum"))?.into(),
            key,
            bytes: None,
        };
        let said = world.announced(&blob);
        world.blobs.insert(blob.id, blob);
        if world.options.storage.is_some() {
            world.served("files.create.elsewhere");
        }
        Ok(Answer::ok(said, "files.create.200"))
    })
}

/// `PUT /storage/{key}`: takes the bytes that were announced, with the headers that were given, and nothing else.
pub(crate) async fn put(State(sim): State<Sim>, Path(key): Path<String>, asked: Asked) -> Outcome {
    sim.with(|world| {
        let found = world.blobs.values().find(|it| it.key == key);
        let blob = found.ok_or_else(|| refuse(404, "no such key", "storage.404"))?;
        if asked.param("signature") != Some(&blob.signature()) {
            return Err(refuse(403, "SignatureDoesNotMatch", "storage.403_signature"));
        }
        let wanted = world.upload_headers(blob);
        if wanted.iter().any(|(name, value)| asked.header(name) != Some(value)) {
            return Err(refuse(403, "SignatureDoesNotMatch", "storage.403_headers"));
        }
        if u64::try_from(asked.body.len()) != Ok(blob.byte_size) {
            return Err(refuse(422, "byte_size differs", "storage.422_size"));
        }
        if STANDARD.encode(md5::digest(&asked.body)) != blob.checksum {
            return Err(refuse(422, "checksum differs", "storage.422_checksum"));
        }
        let id = blob.id;
        if let Some(blob) = world.blobs.get_mut(&id) {
            blob.bytes = Some(asked.body.clone());
        }
        Ok(Answer::no_content("storage.204"))
    })
}

/// `GET /storage/{key}/{filename}`: the bytes of an attachment; its URL is the credential.
pub(crate) async fn get(State(sim): State<Sim>, Path((key, _)): Path<(String, String)>) -> Response {
    let found = sim.look(|world| {
        let blob = world.blobs.values().find(|it| it.key == key)?;
        Some((blob.content_type.clone(), blob.bytes.clone()?))
    });
    match found {
        Some((kind, bytes)) => {
            let file = ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response();
            with_note(file, Noted::line("storage.get.200"))
        }
        None => refuse::<Facts>(404, "no such key", "storage.404").into_response(),
    }
}

impl Blob {
    /// Makes the upload URL a secret of its own.
    fn signature(&self) -> String {
        self.signed_id.chars().rev().take(16).collect()
    }
}

impl World {
    /// The headers that an upload must carry.
    fn upload_headers(&self, blob: &Blob) -> BTreeMap<String, String> {
        let own = [("Content-Type", &blob.content_type), ("Content-MD5", &blob.checksum)];
        let own = own.into_iter().map(|(name, value)| (name.into(), value.clone()));
        own.chain(self.options.upload_headers.iter().cloned()).collect()
    }

    fn announced(&self, blob: &Blob) -> Value {
        let origin = self.options.storage.as_ref().unwrap_or(&self.options.url);
        let url = format!("{origin}/storage/{}?signature={}", blob.key, blob.signature());
        json!({
            "id": blob.id,
            "key": blob.key,
            "filename": blob.filename,
            "content_type": blob.content_type,
            "metadata": {},
            "byte_size": blob.byte_size,
            "checksum": blob.checksum,
            "signed_id": blob.signed_id,
            "direct_upload": {"url": url, "headers": self.upload_headers(blob)},
        })
    }

    /// The blob that a grant announced and uploaded.
    pub(crate) fn uploaded(&self, grant: GrantId, signed_id: &str) -> Result<u64, Refusal> {
        let found = self.blobs.values().find(|it| it.signed_id == signed_id && it.grant == Some(grant));
        let blob = found.ok_or_else(|| refuse(400, "sgid names no file", "chats.400_sgid"))?;
        let there = blob.bytes.is_some();
        there.then_some(blob.id).ok_or_else(|| refuse(400, "the file was not uploaded", "chats.400_not_uploaded"))
    }

    /// A person's file, which needs no announcement.
    pub(crate) fn file(&mut self, filename: &str, content_type: &str, bytes: Bytes) -> u64 {
        let id = self.next_id();
        let blob = Blob {
            id,
            grant: None,
            key: self.ids.secret(""),
            signed_id: self.ids.secret("sgid_"),
            filename: filename.into(),
            content_type: content_type.into(),
            byte_size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            checksum: STANDARD.encode(md5::digest(&bytes)),
            bytes: Some(bytes),
        };
        self.blobs.insert(id, blob);
        id
    }
}
