//! All methods and notifications, with the form of what each takes and gives.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::outside::OfFile;
use super::{
    AuditTold, AuditVerify, Cancel, ChangesCommit, ChangesDiff, ChangesDiscard, CloseStdin, Created, Denied,
    Destroyed, Diffed, Discarded, ExecExited, ExecOutput, ExecRead, ExecResize, ExecSignal, ExecStart,
    ExecStarted, ExecWait, ExecWrite, Fault, Finished, Forked, Health, Initialize, Initialized, Nothing,
    PatchApply, PatchCheck, PatchTold, Pieces, PolicyCheck, PolicyTold, RolledBackTold, SessionChanged,
    SessionCreate, SessionDestroy, SessionFork, SessionGet, SessionList, SessionRefresh, SessionTold,
    Sessions, SnapshotCreate, SnapshotList, SnapshotMade, SnapshotRollback, Snapshots, StatsGet, StatsTold,
    VERSION, bounds,
};
use crate::commit_report::CommitReport;
use crate::files::{
    Done, EditAnswer, EditRequest, Entry, ListAnswer, ListRequest, MkdirRequest, MoveRequest, ReadAnswer,
    ReadRequest, RemoveRequest, StatRequest, WriteAnswer, WriteRequest,
};
use crate::outcome::Outcome;

type Form = fn(&mut SchemaGenerator) -> Schema;

/// A method.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    params: Form,
    result: Form,
}

const fn method<P: JsonSchema, R: JsonSchema>(name: &'static str) -> Method {
    Method { name, params: form::<P>, result: form::<R> }
}

fn form<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// All that can be asked for.
pub(crate) const METHODS: &[Method] = &[
    method::<Initialize, Initialized>("initialize"),
    method::<Nothing, Health>("health"),
    method::<SessionCreate, Created>("session/create"),
    method::<SessionGet, SessionTold>("session/get"),
    method::<SessionList, Sessions>("session/list"),
    method::<SessionFork, Forked>("session/fork"),
    method::<SessionRefresh, Nothing>("session/refresh"),
    method::<SessionDestroy, Destroyed>("session/destroy"),
    method::<ExecStart, Finished>("exec/start"),
    method::<ExecWait, Finished>("exec/wait"),
    method::<ExecRead, Pieces>("exec/read"),
    method::<ExecWrite, Nothing>("exec/write"),
    method::<CloseStdin, Nothing>("exec/closeStdin"),
    method::<ExecResize, Nothing>("exec/resize"),
    method::<ExecSignal, Nothing>("exec/signal"),
    method::<SnapshotCreate, SnapshotMade>("snapshot/create"),
    method::<SnapshotList, Snapshots>("snapshot/list"),
    method::<SnapshotRollback, RolledBackTold>("snapshot/rollback"),
    method::<ChangesDiff, Diffed>("changes/diff"),
    method::<ChangesCommit, CommitReport>("changes/commit"),
    method::<ChangesDiscard, Discarded>("changes/discard"),
    method::<PatchCheck, PatchTold>("patch/check"),
    method::<PatchApply, PatchTold>("patch/apply"),
    method::<OfFile<ReadRequest>, ReadAnswer>("fs/read"),
    method::<OfFile<WriteRequest>, WriteAnswer>("fs/write"),
    method::<OfFile<EditRequest>, EditAnswer>("fs/edit"),
    method::<OfFile<ListRequest>, ListAnswer>("fs/list"),
    method::<OfFile<StatRequest>, Entry>("fs/stat"),
    method::<OfFile<RemoveRequest>, Done>("fs/remove"),
    method::<OfFile<MoveRequest>, Done>("fs/move"),
    method::<OfFile<MkdirRequest>, Done>("fs/mkdir"),
    method::<PolicyCheck, PolicyTold>("policy/check"),
    method::<StatsGet, StatsTold>("stats/get"),
    method::<AuditVerify, AuditTold>("audit/verify"),
];

/// What is told without being asked for, by the server or by a client (`$/…`).
pub(crate) const NOTIFICATIONS: &[(&str, Form)] = &[
    ("exec/started", form::<ExecStarted<'static>>),
    ("exec/output", form::<ExecOutput<'static>>),
    ("exec/exited", form::<ExecExited<'static>>),
    ("denial", form::<Denied<'static>>),
    ("alert", form::<Denied<'static>>),
    ("session/changed", form::<SessionChanged>),
    ("$/cancelRequest", form::<Cancel>),
];

/// The forms of all that is said, which name each other by their place in a document.
pub(crate) struct Forms {
    // What is said by us may be left out where it says nothing; what is said to us, where it has a default.
    heard: SchemaGenerator,
    said: SchemaGenerator,
}

impl Forms {
    /// Of a document that has them at this place.
    pub(crate) fn at(place: &'static str) -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = place.into())
                .with_transform(RecursiveTransform(bounds::whole))
        };
        Self {
            heard: settings().for_deserialize().into_generator(),
            said: settings().for_serialize().into_generator(),
        }
    }

    /// What a method takes, and what it gives.
    pub(crate) fn of(&mut self, method: &Method) -> (Schema, Schema) {
        ((method.params)(&mut self.heard), (method.result)(&mut self.said))
    }

    /// What is said by us.
    pub(crate) fn said<T: JsonSchema>(&mut self) -> Schema {
        form::<T>(&mut self.said)
    }

    /// All that were named, by their names.
    pub(crate) fn named(mut self) -> Map<String, Value> {
        let mut forms = self.said.take_definitions(true);
        forms.extend(self.heard.take_definitions(true));
        forms
    }
}

/// One document with the form of everything.
pub(crate) fn document() -> Value {
    let mut forms = Forms::at("/$defs");
    let mut methods = Map::new();
    for method in METHODS {
        let (params, result) = forms.of(method);
        methods.insert(method.name.to_owned(), json!({ "params": params, "result": result }));
    }
    let mut notifications = Map::new();
    for (name, form) in NOTIFICATIONS {
        notifications.insert((*name).to_owned(), json!({ "params": form(&mut forms.said) }));
    }
    let (error, outcome) = (forms.said::<Fault>(), forms.said::<Outcome>());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "clearing",
        "protocol": VERSION,
        "methods": methods,
        "notifications": notifications,
        "error": error,
        "json": { "outcome": outcome },
        "$defs": forms.named(),
    })
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn every_method_that_is_carried_out_is_in_the_schema() {
        let texts = include_str!("../server/dispatch.rs").split('"').skip(1).step_by(2);
        let carried_out = texts.filter(|text| *text == "health" || text.contains('/'));
        let known = |name: &str| METHODS.iter().any(|method| method.name == name);
        let mut count = 0;
        for name in carried_out.chain(crate::files::METHODS) {
            assert!(known(name), "`{name}` is not in the schema");
            count += 1;
        }
        assert!(count >= 25, "{count}");
    }
}
