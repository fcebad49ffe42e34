//! What the image is called.

use notes_console::{Failure, Kind};
use notes_oci::{Reference, Tag};

use super::Settings;
use crate::{
    failure,
    project::{Project, missing_settings},
};

impl Settings {
    /// Returns where the image goes: its repository with the commit's tag, then the further tags.
    ///
    /// Where nothing is pushed an image needs no repository, and is called after its directory.
    pub(crate) fn references(
        &self,
        project: &Project,
        tag: &str,
    ) -> Result<Vec<Reference>, Failure> {
        let name = match &self.image.value {
            Some(name) => name.clone(),
            None => return Err(no_image(project)),
        };
        named_references(&name, tag, &self.tags.value.0)
    }

    /// Returns what the image is called in a file, where no repository is needed.
    pub(crate) fn local_references(
        &self,
        project: &Project,
        tag: &str,
    ) -> Result<Vec<Reference>, Failure> {
        let directory = project.root.join(&self.context.value);
        let fallback = directory.file_name().map_or_else(
            || "image".into(),
            |name| {
                let name = name.to_string_lossy().to_lowercase();
                name.chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                    .collect::<String>()
            },
        );
        let fallback = format!("localhost/{}", fallback.trim_matches('-'));
        let name = self.image.value.as_deref().unwrap_or(&fallback);
        named_references(name, tag, &self.tags.value.0)
    }
}

fn no_image(project: &Project) -> Failure {
    let hint = missing_settings(project).unwrap_or_else(|| {
        "set `image` in notes.toml, `--image` or `NOTES_IMAGE`; `--no-push` and `--output` need none".into()
    });
    Failure::message(Kind::Configuration, "there is no name to push the image under")
        .with_hint(hint)
}

fn named_references(name: &str, tag: &str, further: &[String]) -> Result<Vec<Reference>, Failure> {
    let repository: Reference = name.parse().map_err(failure::reference)?;
    // `host:port/name` has a colon too; what a tag would follow is behind the last slash.
    if name.rsplit('/').next().is_some_and(|last| last.contains([':', '@'])) {
        let message = format!("`{name}` has a tag or a digest; the image's name is a repository");
        return Err(Failure::message(Kind::Configuration, message)
            .with_hint("the tag is the commit's; add others with `--tag`"));
    }
    let mut references = vec![repository.with_tag(tag.parse::<Tag>().map_err(failure::reference)?)];
    for further in further {
        // A bare word is a tag of the same repository; anything else is a name of its own.
        references.push(match further.parse::<Tag>() {
            Ok(tag) => repository.with_tag(tag),
            Err(_) => further.parse().map_err(failure::reference)?,
        });
    }
    Ok(references)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_the_first_tag_and_words_are_further_ones() {
        let further = ["latest".to_owned(), "ghcr.io/other/app:v1".to_owned()];
        let references = named_references("docker.io/user/app", "a3f92bd", &further).unwrap();
        let texts: Vec<_> = references.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            ["docker.io/user/app:a3f92bd", "docker.io/user/app:latest", "ghcr.io/other/app:v1"]
        );
        assert!(named_references("localhost:5000/app", "a3f92bd", &[]).is_ok());
        let failure = named_references("user/app:latest", "a3f92bd", &[]).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "`user/app:latest` has a tag or a digest; the image's name is a repository"
        );
        let failure = named_references("docker.io/USER/app", "a3f92bd", &[]).unwrap_err();
        assert_eq!(failure.kind(), Kind::Configuration);
    }
}
