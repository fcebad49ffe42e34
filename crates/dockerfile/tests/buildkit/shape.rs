//! A parsed Dockerfile in the shape in which the Go program writes `BuildKit`'s.

use std::collections::BTreeMap;

use notes_dockerfile::{
    Access, Add, Arg, Command, Copy, CopySource, Dockerfile, Healthcheck, HealthcheckTest,
    Instruction, KeyValue, KeyValueForm, Mount, MountKind, Network, Run, RunCommand, Security,
    Sharing, Span, Spanned, Statement, Word, lint,
};
use serde_json::{Value, json};

/// Returns everything that is compared.
pub(crate) fn describe(file: &Dockerfile) -> Value {
    let lines = Lines { source: &file.source };
    let arguments: Vec<Value> = file
        .arguments
        .iter()
        .map(|global| with(declared(&global.arg), "ARG", lines.of(global.span)))
        .collect();
    let stages: Vec<Value> = file
        .stages
        .iter()
        .map(|stage| {
            let commands: Vec<Value> =
                stage.statements.iter().map(|below| statement(below, &lines)).collect();
            json!({
                "base": stage.image.raw(),
                "name": stage.name.as_ref().map_or("", |name| name.as_str()),
                "platform": raw(stage.platform.as_ref()),
                "line": lines.of(stage.span),
                "commands": commands,
            })
        })
        .collect();
    let syntax = file.directives.syntax.as_ref().map_or("", |syntax| syntax.as_str());
    json!({
        "escape": file.directives.escape.as_char().to_string(),
        "syntax": syntax.split(' ').next(),
        "arguments": arguments,
        "stages": stages,
    })
}

/// Returns `rule:line` for every finding.
pub(crate) fn findings(file: &Dockerfile) -> Vec<String> {
    let lines = Lines { source: &file.source };
    // The image that the Go program answers with sets `PATH` and nothing else.
    let base = lint::Base {
        environment: Some(BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())])),
        platform: "linux/amd64".to_owned(),
        wanted: "linux/amd64".to_owned(),
        ..lint::Base::default()
    };
    let bases = file.stages.iter().map(|stage| (stage.index, base.clone())).collect();
    let options = lint::Options { bases, ..lint::Options::default() };
    let report = lint::check(file, &options);
    let mut found: Vec<String> = report
        .findings
        .iter()
        .map(|finding| format!("{}:{}", finding.rule.name, lines.of_statement(file, finding)))
        .collect();
    found.sort();
    found
}

struct Lines<'a> {
    source: &'a str,
}

impl Lines<'_> {
    fn at(&self, offset: usize) -> usize {
        self.source[..offset].matches('\n').count() + 1
    }

    /// The line that `BuildKit` names: the first of the instruction that the finding is in or right above, and for an empty line
    /// the last one.
    fn of_statement(&self, file: &Dockerfile, finding: &lint::Finding) -> usize {
        let globals = file.arguments.iter().map(|global| global.span);
        let mut spans = globals.chain(file.stages.iter().flat_map(|stage| {
            let below = stage.statements.iter().map(|statement| statement.span);
            Some(stage.span).into_iter().chain(below)
        }));
        let span = spans.find(|span| finding.span.start < span.end).unwrap_or(finding.span);
        let last = finding.rule.name == "NoEmptyContinuation";
        self.at(if last { span.end } else { span.start })
    }

    /// The line that an instruction begins on. For `BuildKit` an escape character alone on a line above belongs to it, with the
    /// blank lines and comments between.
    fn of(&self, span: Span) -> usize {
        let first = self.at(span.start);
        let above = self.source[..span.start].rsplit('\n').skip(1).map(str::trim).enumerate();
        let above = above.take_while(|(_, line)| {
            line.is_empty() || line.starts_with('#') || matches!(*line, "\\" | "`")
        });
        let alone = above.filter(|(_, line)| matches!(*line, "\\" | "`")).last();
        alone.map_or(first, |(count, _)| first - count - 1)
    }
}

fn statement(statement: &Statement, lines: &Lines<'_>) -> Value {
    let name = statement.instruction.name();
    with(instruction(&statement.instruction), name, lines.of(statement.span))
}

fn with(mut fields: Value, name: &str, line: usize) -> Value {
    fields["name"] = json!(name);
    fields["line"] = json!(line);
    fields
}

fn instruction(instruction: &Instruction) -> Value {
    match instruction {
        Instruction::Add(add) => added(add),
        Instruction::Arg(arg) => declared(arg),
        Instruction::Cmd(command) | Instruction::Entrypoint(command) => {
            json!({ "command": command_line(command) })
        }
        Instruction::Copy(copy) => copied(copy),
        Instruction::Env(env) => pairs(&env.pairs, env.form),
        Instruction::Expose(expose) => {
            let mut words: Vec<&str> = expose.ports.iter().map(Word::raw).collect();
            words.sort_unstable();
            json!({ "words": words })
        }
        Instruction::Healthcheck(check) => health(check),
        Instruction::Label(label) => pairs(&label.pairs, label.form),
        Instruction::Maintainer(maintainer) => json!({ "text": maintainer.name.value }),
        Instruction::Onbuild(onbuild) => json!({ "text": onbuild.text }),
        Instruction::Run(run) => ran(run),
        Instruction::Shell(shell) => json!({ "words": shell.arguments }),
        Instruction::Stopsignal(stopsignal) => json!({ "text": stopsignal.signal.raw() }),
        Instruction::User(user) => json!({ "text": user.user.raw() }),
        Instruction::Volume(volume) => {
            json!({ "words": volume.paths.iter().map(Word::raw).collect::<Vec<_>>() })
        }
        Instruction::Workdir(workdir) => json!({ "text": workdir.path.raw() }),
    }
}

fn raw(word: Option<&Word>) -> &str {
    word.map_or("", Word::raw)
}

fn declared(arg: &Arg) -> Value {
    let declared = arg.declarations.iter().map(|declaration| {
        json!([declaration.name.raw(), declaration.default.as_ref().map(Word::raw)])
    });
    json!({ "declared": declared.collect::<Vec<_>>() })
}

fn pairs(pairs: &[KeyValue], form: KeyValueForm) -> Value {
    let legacy = form == KeyValueForm::Legacy;
    let pairs = pairs.iter().map(|pair| json!([pair.key.raw(), pair.value.raw(), legacy]));
    json!({ "pairs": pairs.collect::<Vec<_>>() })
}

fn sources(sources: &[CopySource], destination: &Word) -> Value {
    let (mut paths, mut contents) = (Vec::new(), Vec::new());
    for source in sources {
        match source {
            CopySource::Path(word) => paths.push(word.raw()),
            CopySource::Heredoc(heredoc) => contents.push(json!([
                heredoc.name,
                heredoc.body,
                heredoc.expansion == notes_dockerfile::Expansion::Variables
            ])),
        }
    }
    json!({ "sources": paths, "contents": contents, "destination": destination.raw() })
}

fn values(values: &[Spanned<String>]) -> Vec<&str> {
    values.iter().map(|value| value.as_str()).collect()
}

fn added(add: &Add) -> Value {
    let mut fields = sources(&add.sources, &add.destination);
    fields["flags"] = json!([
        raw(add.chown.as_ref()),
        raw(add.chmod.as_ref()),
        add.link.is_some(),
        add.keep_git_dir.is_some(),
        raw(add.checksum.as_ref()),
        add.unpack.as_ref().map(|unpack| unpack.value),
        values(&add.excludes),
    ]);
    fields
}

fn copied(copy: &Copy) -> Value {
    let mut fields = sources(&copy.sources, &copy.destination);
    fields["flags"] = json!([
        copy.from.as_ref().map_or("", |from| from.as_str()),
        raw(copy.chown.as_ref()),
        raw(copy.chmod.as_ref()),
        copy.link.is_some(),
        copy.parents.is_some(),
        values(&copy.excludes),
    ]);
    fields
}

fn command_line(command: &Command) -> Value {
    match command {
        Command::Shell(text) => json!({ "shell": text }),
        Command::Exec(words) => json!({ "exec": words }),
    }
}

fn health(check: &Healthcheck) -> Value {
    let test = match &check.test {
        HealthcheckTest::None => vec!["NONE"],
        HealthcheckTest::Command(Command::Shell(text)) => vec!["CMD-SHELL", text],
        HealthcheckTest::Command(Command::Exec(words)) => {
            Some("CMD").into_iter().chain(words.iter().map(String::as_str)).collect()
        }
    };
    let times = [check.interval, check.timeout, check.start_period, check.start_interval];
    let times = times.map(|time| u64::try_from(time.unwrap_or_default().as_nanos()).unwrap());
    json!({ "test": test, "times": times, "retries": check.retries.unwrap_or(0) })
}

fn ran(run: &Run) -> Value {
    let command = match &run.command {
        RunCommand::Shell(text) => json!({ "shell": text }),
        RunCommand::Exec(words) => json!({ "exec": words }),
        RunCommand::Script(heredoc) => json!({ "script": heredoc.body }),
    };
    let network = match run.network.as_ref().map(|network| network.value) {
        None | Some(Network::Default) => "default",
        Some(Network::None) => "none",
        Some(Network::Host) => "host",
    };
    let security = match run.security.as_ref().map(|security| security.value) {
        None | Some(Security::Sandbox) => "sandbox",
        Some(Security::Insecure) => "insecure",
    };
    let mounts: Vec<Value> = run.mounts.iter().map(mount).collect();
    json!({ "command": command, "network": network, "security": security, "mounts": mounts })
}

fn mount(mount: &Mount) -> Value {
    let mut fields = json!({
        "type": "", "from": "", "source": "", "target": "", "readonly": true, "size": 0, "id": "",
        "sharing": "", "required": false, "env": null, "mode": null, "uid": null, "gid": null,
    });
    let mut set = |name: &str, value: Value| fields[name] = value;
    let number = |word: &Option<Word>, base| {
        word.as_ref().map(|word| u64::from_str_radix(word.raw(), base).unwrap_or(u64::MAX))
    };
    match &mount.kind {
        MountKind::Bind(bind) => {
            set("type", json!("bind"));
            set("target", json!(bind.target.raw()));
            set("source", json!(raw(bind.source.as_ref())));
            set("from", json!(bind.from.as_ref().map_or("", |from| from.as_str())));
            set("readonly", json!(bind.access == Access::ReadOnly));
        }
        MountKind::Cache(cache) => {
            set("type", json!("cache"));
            set("target", json!(cache.target.raw()));
            set("source", json!(raw(cache.source.as_ref())));
            set("from", json!(cache.from.as_ref().map_or("", |from| from.as_str())));
            set("id", json!(raw(cache.id.as_ref())));
            set("readonly", json!(cache.access == Access::ReadOnly));
            let sharing = match cache.sharing {
                Sharing::Shared => "shared",
                Sharing::Private => "private",
                Sharing::Locked => "locked",
            };
            set("sharing", json!(sharing));
            set("mode", json!(number(&cache.mode, 8)));
            set("uid", json!(number(&cache.uid, 10)));
            set("gid", json!(number(&cache.gid, 10)));
        }
        MountKind::Tmpfs(tmpfs) => {
            set("type", json!("tmpfs"));
            set("target", json!(tmpfs.target.raw()));
            set("readonly", json!(false));
            let size = tmpfs.size.as_ref().map(|size| notes_dockerfile::parse_size(size.raw()));
            set("size", json!(size.flatten().unwrap_or(0)));
        }
        MountKind::Secret(secret) => {
            set("type", json!("secret"));
            set("target", json!(raw(secret.target.as_ref())));
            set("id", json!(raw(secret.id.as_ref())));
            set("env", json!(secret.env.as_ref().map(Word::raw)));
            set("required", json!(secret.required.is_some()));
            set("mode", json!(number(&secret.mode, 8)));
            set("uid", json!(number(&secret.uid, 10)));
            set("gid", json!(number(&secret.gid, 10)));
        }
        MountKind::Ssh(ssh) => {
            set("type", json!("ssh"));
            set("target", json!(raw(ssh.target.as_ref())));
            set("id", json!(raw(ssh.id.as_ref())));
            set("required", json!(ssh.required.is_some()));
            set("mode", json!(number(&ssh.mode, 8)));
            set("uid", json!(number(&ssh.uid, 10)));
            set("gid", json!(number(&ssh.gid, 10)));
        }
    }
    fields
}
