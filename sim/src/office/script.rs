//! What a test has people do: invite, come, say something, go.

use super::{
    Sim,
    record::{Employee, GroupId, Invite, Message, MessageId, OfficeId, OriginSource, Receiver},
    world::World,
};

impl Sim {
    /// The first office.
    pub fn office(&self) -> OfficeId {
        self.look(|world| world.offices[0].id.clone())
    }

    /// The canonical group of the first office.
    pub fn group(&self) -> GroupId {
        self.look(|world| world.offices[0].group.clone())
    }

    /// One more office.
    pub fn new_office(&self, name: &str) -> OfficeId {
        self.with(|world| world.open(name))
    }

    /// A code with which one agent joins the first office, such as `ABCD1234`.
    pub fn invite(&self) -> String {
        self.invite_to(&self.office())
    }

    /// A code for another office.
    pub fn invite_to(&self, office: &str) -> String {
        self.code(Some(office), true)
    }

    /// A code that is a person's, not an agent's.
    pub fn human_invite(&self) -> String {
        self.code(Some(&self.office()), false)
    }

    /// A code that leads into no office.
    pub fn invite_without_office(&self) -> String {
        self.code(None, true)
    }

    fn code(&self, office: Option<&str>, for_agents: bool) -> String {
        self.with(|world| {
            let lifetime = u64::try_from(world.options.invite_lifetime.as_millis()).unwrap_or(u64::MAX);
            let expires = world.now().saturating_add(lifetime);
            let code = world.ids.code();
            let invite = Invite { office: office.map(Into::into), for_agents, used: false, expires };
            world.invites.insert(code.clone(), invite);
            code
        })
    }

    /// A code expires now; false when there is none.
    pub fn expire_invite(&self, code: &str) -> bool {
        self.with(|world| {
            let now = world.now();
            world.invites.get_mut(code).map(|it| it.expires = now).is_some()
        })
    }

    /// A person who works in the first office, made where there is none of that name.
    pub fn person(&self, name: &str) -> String {
        self.with(|world| world.ensure(None, name, None));
        name.into()
    }

    /// An agent of the platform's own in the first office, with a pod and in the chat; made where there is none.
    pub fn colleague(&self, name: &str) -> String {
        self.with(|world| world.ensure(None, name, Some(OriginSource::Provisioned)));
        name.into()
    }

    /// Somebody leaves: its bot is gone, its key is revoked, its streams end. False when nobody has that name.
    pub fn leaves(&self, name: &str) -> bool {
        self.with(|world| world.dismiss(name))
    }

    /// Somebody says something in the first office, to somebody (by name) or into a group (by id).
    pub fn say(&self, from: &str, to: &str, body: &str) -> MessageId {
        self.say_in(&self.office(), from, to, body)
    }

    /// The same in another office.
    pub fn say_in(&self, office: &str, from: &str, to: &str, body: &str) -> MessageId {
        self.with(|world| {
            world.ensure(Some(office), from, None);
            let group = world.office(office).is_some_and(|it| it.group(to).is_some());
            let to = if group { Receiver::Group(to.into()) } else { Receiver::Direct(to.into()) };
            world.write(office, from, to, body, false).id
        })
    }

    /// Agents that joined by a code, oldest first, in all offices.
    pub fn agents(&self) -> Vec<Employee> {
        self.look(|world| world.offices().flat_map(|it| it.agents(OriginSource::External)).cloned().collect())
    }

    /// What agents sent with their keys, oldest first.
    pub fn sent(&self) -> Vec<Message> {
        self.look(|world| world.sent().cloned().collect())
    }

    /// What two wrote to each other in the first office, oldest first.
    pub fn between(&self, one: &str, other: &str) -> Vec<Message> {
        let office = self.office();
        self.look(|world| world.between(&office, one, other).cloned().collect())
    }
}

impl World {
    /// Somebody of this name in an office (the first, when none is named).
    fn ensure(&mut self, office: Option<&str>, name: &str, origin: Option<OriginSource>) {
        let office = office.map_or_else(|| self.offices[0].id.clone(), Into::into);
        if self.office(&office).is_some_and(|it| it.employee(name).is_none()) {
            self.hire(&office, name, origin, true);
            // The chat server puts an agent of the platform's own into the group, too.
            if origin.is_some() {
                self.register(&office, name);
            }
        }
    }

    fn dismiss(&mut self, name: &str) -> bool {
        let Some(office) = self.office_of(name).map(|it| it.id.clone()) else {
            return false;
        };
        let rows = self.office_mut(&office).map(|it| &mut it.employees);
        let gone = rows.and_then(|it| Some(it.remove(it.iter().position(|it| it.name == name)?)));
        if let Some(bot) = gone.and_then(|it| it.bot) {
            self.tell_gone(&office, &bot.id);
        }
        self.revoke(&office, name);
        true
    }

    /// The keys of an agent open nothing any more; whether it had one.
    pub(crate) fn revoke(&mut self, office: &str, name: &str) -> bool {
        let of =
            |it: &&mut Option<(OfficeId, String)>| it.as_ref().is_some_and(|(at, who)| at == office && who == name);
        let held: Vec<_> = self.keys.values_mut().filter(of).collect();
        let any = !held.is_empty();
        for key in held {
            *key = None;
        }
        self.cut_streams(|agent| agent == name);
        any
    }
}
