//! The actions on groups. The document names them and shows no body: their fields are [`super::Nouns`].

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    actions::{Body, need},
    answer::{Answer, Outcome, Refusal, refuse},
    auth::Caller,
    join::text,
    record::Group,
    world::World,
};

impl World {
    /// `create-group`: the caller is in it.
    pub(crate) fn create_group(&mut self, me: &Caller, body: &Body) -> Outcome {
        let nouns = &self.options.nouns;
        let missing = || {
            let text = format!("{} and {} are required", nouns.name, nouns.members);
            refuse(400, text, "action.create_group_400")
        };
        let name = text(body, &nouns.name).ok_or_else(missing)?.to_owned();
        let listed = body.get(&nouns.members).and_then(Value::as_array).ok_or_else(missing)?;
        let named: Option<BTreeSet<String>> = listed.iter().map(|it| it.as_str().map(Into::into)).collect();
        let mut members = named.ok_or_else(missing)?;
        self.speaks(me, text(body, "from"))?;
        for member in &members {
            self.known(me, member)?;
        }
        members.insert(me.name.clone());
        let group = Group { id: self.id("group"), name, members };
        let answer = shown(&group, "action.create_group");
        if let Some(office) = self.office_mut(&me.office) {
            office.groups.push(group);
        }
        Ok(answer)
    }

    /// `add-member`.
    pub(crate) fn add_member(&mut self, me: &Caller, body: &Body) -> Outcome {
        let nouns = &self.options.nouns;
        let [group, member] = need(body, [&nouns.group, &nouns.member], "action.add_member_400")?;
        self.speaks(me, text(body, "from"))?;
        self.own_group(me, group)?;
        self.known(me, member)?;
        self.change(me, group, "action.add_member", |it| it.members.extend([member.into()]))
    }

    /// `rename-group`.
    pub(crate) fn rename_group(&mut self, me: &Caller, body: &Body) -> Outcome {
        let nouns = &self.options.nouns;
        let [group, name] = need(body, [&nouns.group, &nouns.name], "action.rename_group_400")?;
        self.speaks(me, text(body, "from"))?;
        self.own_group(me, group)?;
        self.change(me, group, "action.rename_group", |it| it.name = name.into())
    }

    fn change(&mut self, me: &Caller, id: &str, line: &'static str, change: impl FnOnce(&mut Group)) -> Outcome {
        let group = self.office_mut(&me.office).and_then(|it| it.group_mut(id));
        let group = group.ok_or_else(|| refuse(404, "group not found", "action.404_group"))?;
        change(group);
        Ok(shown(group, line))
    }

    /// Somebody who works in the caller's office and whom the chat knows.
    fn known(&self, me: &Caller, name: &str) -> Result<(), Refusal> {
        let known = self.office(&me.office).and_then(|it| it.employee(name)).is_some_and(|it| it.chat);
        known.then_some(()).ok_or_else(|| refuse(404, "member not found", "action.404_member"))
    }
}

fn shown(group: &Group, line: &'static str) -> Answer {
    Answer::ok(json!({"group": {"id": group.id, "name": group.name, "members": group.members}}), line)
}
