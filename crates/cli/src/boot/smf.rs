//! Solaris's service management facility.

use super::installation::{Installation, Step};
use ostler_shell::word as shell;

use super::quote::xml;
use super::service::Service;

/// Returns the installation among the manifests of the site.
pub(super) fn installation(service: &Service) -> Installation {
    let name = &service.name;
    let target = format!("/lib/svc/manifest/site/{name}.xml");
    Installation {
        enable: vec![Step::of(["svccfg", "import", &target]), Step::of(["svcadm", "enable", name])],
        disable: vec![
            Step::of(["svcadm", "disable", "-s", name]),
            Step::of(["svccfg", "delete", name]),
        ],
        forget: Vec::new(),
        target: target.into(),
        mode: 0o644,
        text: text(service),
    }
}

fn text(service: &Service) -> String {
    let exe = shell(&service.exe()).into_owned();
    // The methods are run by a shell: quoted for it first, then for XML.
    let method = |words: &str| xml(&format!("{exe} {words}"));
    format!(
        "\
<?xml version=\"1.0\"?>
<!DOCTYPE service_bundle SYSTEM \"/usr/share/lib/xml/dtd/service_bundle.dtd.1\">
<service_bundle type=\"manifest\" name=\"{name}\">
  <service name=\"site/{name}\" type=\"service\" version=\"1\">
    <create_default_instance enabled=\"false\"/>
    <single_instance/>
    <dependency name=\"network\" grouping=\"require_all\" restart_on=\"refresh\" \
type=\"service\">
      <service_fmri value=\"svc:/milestone/network:default\"/>
    </dependency>
    <dependency name=\"filesystem\" grouping=\"require_all\" restart_on=\"refresh\" \
type=\"service\">
      <service_fmri value=\"svc:/system/filesystem/local:default\"/>
    </dependency>
    <method_context>
      <method_credential user=\"{user}\"/>
      <method_environment>
        <envvar name=\"PATH\" value=\"{path}\"/>
        <envvar name=\"{variable}\" value=\"{home}\"/>
        <envvar name=\"HOME\" value=\"{user_home}\"/>
      </method_environment>
    </method_context>
    <exec_method type=\"method\" name=\"start\" exec=\"{start}\" timeout_seconds=\"600\"/>
    <exec_method type=\"method\" name=\"refresh\" exec=\"{refresh}\" timeout_seconds=\"600\"/>
    <exec_method type=\"method\" name=\"stop\" exec=\"{stop}\" timeout_seconds=\"180\"/>
    <property_group name=\"startd\" type=\"framework\">
      <propval name=\"ignore_error\" type=\"astring\" value=\"core,signal\"/>
    </property_group>
    <stability value=\"Unstable\"/>
    <template>
      <common_name>
        <loctext xml:lang=\"C\">{description}</loctext>
      </common_name>
    </template>
  </service>
</service_bundle>
",
        name = xml(&service.name),
        user = xml(&service.user),
        path = xml(&service.path),
        variable = service.home_variable(),
        home = xml(&service.home()),
        user_home = xml(&service.user_home.display().to_string()),
        start = method("resurrect"),
        refresh = method("reload all"),
        stop = method("kill"),
        description = xml(&service.description()),
    )
}
