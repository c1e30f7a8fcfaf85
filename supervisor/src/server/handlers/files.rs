//! Files of the project, as the session has them.

use serde_json::Value;

use crate::error::Error;
use crate::files::{Request, answer, call};
use crate::protocol::Fault;
use crate::server::{Called, Conductor, Reply};

impl Conductor {
    /// `fs/read` and the others.
    pub(crate) fn files(&mut self, request: &Request, reply: Reply<Value>) {
        let prepared = self.live().and_then(|live| {
            let call = call(request, live.record()?.project())?;
            let [input, output] = call.streams.each_ref().map(|stream| {
                stream.try_clone().map_err(|error| Error::System("dup of a function's stream", error))
            });
            Ok((
                Called {
                    function: call.function,
                    words: request.words(),
                    mark: call.mark.clone(),
                    streams: [input?, output?],
                },
                call,
            ))
        });
        match prepared {
            Err(fault) => reply.send(Err(fault)),
            Ok((called, call)) => self.call(called, move |_, outcome| {
                reply.send(outcome.and_then(|outcome| answer(&call, &outcome).map_err(Fault::from)));
            }),
        }
    }
}
