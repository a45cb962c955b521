//! What a test has people do: invite, say, edit, delete; and what befalls the server.

use std::collections::BTreeSet;

use super::{
    Sim,
    mangle::StreamFault,
    world::{AccountId, Kind, Message, MessageId, RoomId},
};

/// A key of the central service, as an operator would hand it over.
pub type CentralJwt = String;
/// An API key in clear text.
pub type ApiKey = String;

impl Sim {
    /// The origin that invite links show from now on, such as a relay's.
    pub fn set_url(&self, url: &str) {
        self.with(|world| world.options.url = url.trim_end_matches('/').into());
    }

    /// A fresh invite link; without an e-mail the workspace makes one up.
    pub fn invite(&self, email: Option<&str>) -> String {
        self.with(|world| {
            let token = world.ids.invite();
            let made_up = || format!("agent-{}@workspace.test", world.invites.len() + 1);
            let email = email.map_or_else(made_up, Into::into);
            let lifetime = u64::try_from(world.options.invite_lifetime.as_millis()).unwrap_or(u64::MAX);
            let expires = world.now().saturating_add(lifetime);
            let link = format!("{}/invite?token={}", world.options.url, token.replace('=', "%3D"));
            world.invites.insert(token, super::world::Invite { email, expires, used: false });
            link
        })
    }

    /// A token of the central service that this workspace will take.
    pub fn central_jwt(&self) -> CentralJwt {
        self.with(|world| {
            let token = world.ids.secret("central.jwt.");
            world.central.insert(token.clone());
            token
        })
    }

    /// The account of a person of this name, made where there is none; a member of every channel.
    pub fn person(&self, name: &str) -> AccountId {
        self.with(|world| {
            let known = world.accounts.values().find(|it| it.kind == Kind::Person && it.name == name);
            if let Some(known) = known {
                return known.id.clone();
            }
            let email = format!("{}@people.test", name.to_lowercase().replace(' ', "."));
            let id = world.account(name, &email, Kind::Person);
            for room in world.rooms.values_mut().filter(|room| !room.dm) {
                room.members.insert(id.clone());
            }
            id
        })
    }

    /// The workspace's primary agent, the partner of every new member's DM.
    pub fn primary(&self) -> AccountId {
        self.look(|world| world.primary.clone())
    }

    /// A channel of this name with everybody in it, made where there is none.
    pub fn channel(&self, name: &str) -> RoomId {
        self.with(|world| {
            if let Some(known) = world.rooms.values().find(|it| !it.dm && it.name == name) {
                return known.id.clone();
            }
            let all: BTreeSet<AccountId> = world
                .accounts
                .values()
                .filter(|account| account.kind != Kind::Agent)
                .map(|account| account.id.clone())
                .collect();
            world.room(name, false, all)
        })
    }

    /// The DM of two accounts, made where there is none.
    pub fn dm(&self, one: &str, other: &str) -> RoomId {
        self.with(|world| world.direct(one, other))
    }

    /// Takes somebody out of a room.
    pub fn remove_member(&self, account: &str, room: &str) {
        self.with(|world| world.rooms.get_mut(room).map(|room| room.members.remove(account)));
    }

    /// Puts somebody into a room.
    pub fn add_member(&self, account: &str, room: &str) {
        self.with(|world| world.rooms.get_mut(room).map(|room| room.members.insert(account.into())));
    }

    /// Somebody says something; returns the message's id.
    pub fn say(&self, person: &str, room: &str, text: &str) -> MessageId {
        self.with(|world| {
            let message = world.store(person, room, text, None);
            world.publish(&message, "message.created");
            message.id
        })
    }

    /// Somebody says something that gets its place now and is not seen by anybody before [`Sim::show`].
    pub fn say_unseen(&self, person: &str, room: &str, text: &str) -> Message {
        self.with(|world| {
            let message = world.store(person, room, text, None);
            world.rooms.get_mut(room).map(|room| room.messages.remove(&message.seq));
            message
        })
    }

    /// The history has it now, at its place; the stream does not tell.
    pub fn show(&self, message: &Message) {
        self.with(|world| {
            let room = world.rooms.get_mut(&message.channel_id);
            room.map(|room| room.messages.insert(message.seq, message.clone()))
        });
    }

    /// Somebody changes a message; false when there is none.
    pub fn edit(&self, message: &str, text: &str) -> bool {
        self.with(|world| world.revise(message, text))
    }

    /// Somebody removes a message; the stream does not tell. False when there is none.
    pub fn delete(&self, message: &str) -> bool {
        self.with(|world| world.remove(message))
    }

    /// A room's messages, oldest first (without those of bursts).
    pub fn history(&self, room: &str) -> Vec<Message> {
        self.look(|world| world.history(room))
    }

    /// What agents said, in order, over all rooms.
    pub fn messages_by_agent(&self) -> Vec<Message> {
        self.look(super::World::messages_by_agent)
    }

    /// The accounts of agents that joined by an invite.
    pub fn members(&self) -> Vec<AccountId> {
        self.look(|world| {
            let joined = world.accounts.values().filter(|it| it.kind == Kind::Member);
            joined.map(|it| it.id.clone()).collect()
        })
    }

    /// A fault-free key of the own-workspace kind (`ak_live_…`) that posts as `account`.
    pub fn api_key(&self, account: &str) -> ApiKey {
        self.with(|world| {
            let key = world.ids.secret("ak_live_");
            world.keys.insert(key.clone(), account.into());
            key
        })
    }

    /// Ends every key of an account and of the agents it made.
    pub fn revoke_keys(&self, account: &str) {
        self.with(|world| {
            let accounts = &world.accounts;
            world.keys.retain(|_, id| {
                let owner = accounts.get(id).and_then(|it| it.owner.as_deref());
                id != account && owner != Some(account)
            });
            world.cut_streams_of(account);
        });
    }

    /// Makes every token that an account has had expire now, and ends its streams.
    pub fn expire_token(&self, account: &str) {
        self.with(|world| {
            if let Some(account) = world.accounts.get_mut(account) {
                account.epoch += 1;
            }
            world.cut_streams_of(account);
        });
    }

    /// Changes a member's password behind its back: its next login answers 401.
    pub fn wipe_password(&self, account: &str) {
        self.with(|world| world.accounts.get_mut(account).map(|it| it.password = None));
    }

    /// Arms a fault of the stream.
    pub fn stream_fault(&self, fault: &StreamFault) {
        self.with(|world| world.mangle.arm(fault));
    }

    /// Disarms every fault of requests.
    pub fn clear_faults(&self) {
        self.with(|world| world.ledger.faults.clear());
    }

    /// The relay answers 502 to everything while the instance is offline.
    pub fn set_offline(&self, offline: bool) {
        self.with(|world| {
            world.offline = offline;
            if offline {
                world.cut_streams();
            }
        });
    }

    /// Ends every stream with a broken chunk.
    pub fn cut_streams(&self) {
        self.with(super::World::cut_streams);
    }

    /// Every stream that is open now goes on beating, and tells nothing any more.
    pub fn deafen_streams(&self) {
        self.with(|world| world.streams.iter_mut().for_each(|stream| stream.deaf = true));
    }

    /// Restarts the server: streams end, and the replay buffer is lost where the options say so.
    pub fn restart(&self) {
        self.with(|world| {
            world.cut_streams();
            if world.options.forget_on_restart {
                world.forgotten = world.seq + 1;
            }
        });
    }

    /// How many streams are open now.
    pub fn stream_count(&self) -> usize {
        self.look(super::World::stream_count)
    }
}
