# The formula of Homebrew on Linux.
class Ostler < Formula
  desc "Process manager for applications in any language"
  homepage "https://github.com/ostler-pm/ostler"
  url "https://github.com/ostler-pm/ostler/releases/download/v@VERSION@/ostler-@VERSION@-@MACHINE@-linux.tar.gz"
  sha256 "@SHA256@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on arch: :@BREW_ARCH@
  depends_on :linux

  def install
    bin.install Dir["bin/*"]
    man1.install "share/man/man1/ostler.1"
    bash_completion.install "share/bash-completion/completions/ostler"
    zsh_completion.install "share/zsh/site-functions/_ostler"
    fish_completion.install "share/fish/vendor_completions.d/ostler.fish"
    doc.install Dir["share/doc/ostler/*"]
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/ostler --version")
  end
end
