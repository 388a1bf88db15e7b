internal import ArgumentParser
internal import Credentials
internal import JSON

/// A route template is the route for a kind of registry whose tool is known.
///
/// The commands and their output are those of aws-cli 2.9, of gcloud's and az's reference, of gh
/// 2.23, and of GitLab's predefined variables.
enum RouteTemplate: String, CaseIterable, ExpressibleByArgument {
    case aws, google, azure
    case gh = "github"
    case glab = "gitlab-ci"

    private var servers: [String] {
        switch self {
        case .aws: ["*.dkr.ecr.*.amazonaws.com"]
        case .google: ["*-docker.pkg.dev", "gcr.io", "*.gcr.io"]
        case .azure: ["*.azurecr.io"]
        case .gh: ["ghcr.io"]
        case .glab: ["registry.gitlab.com"]
        }
    }

    func route(match: [String], isOptional: Bool) -> JSON {
        let servers = match.isEmpty ? servers : match
        let match = servers.count == 1 ? JSON.name(servers[0]) : .array(servers.map(JSON.name))
        return ["match": match] + source(servers) + (isOptional ? ["optional": .bool(true)] : [:])
    }

    private func source(_ servers: [String]) -> JSON {
        func command(_ words: String...) -> JSON { .array(words.map(JSON.name)) }
        switch self {
        case .aws:
            let words = ["aws", "ecr", "get-authorization-token"]
            let region = RouteTemplate.label(3, of: servers).map { ["--region", $0] } ?? []
            return [
                "command": .array((words + region + ["--output", "json"]).map(JSON.name)),
                "basic": .text("/authorizationData/0/authorizationToken"),
                "expires": .text("/authorizationData/0/expiresAt"),
            ]
        case .google:
            return [
                "command": command("gcloud", "config", "config-helper", "--format=json"),
                "username": .text("oauth2accesstoken"),
                "secret": .text("/credential/access_token"),
                "expires": .text("/credential/token_expiry"),
            ]
        case .azure:
            let name = RouteTemplate.label(0, of: servers) ?? "{1}"
            return [
                "command": command(
                    "az", "acr", "login", "--name", name, "--expose-token", "--output", "json"),
                "username": .text("00000000-0000-0000-0000-000000000000"),
                "secret": .text("/accessToken"),
                // The tool does not say when the token expires.
                "lifetime": .text("1h"),
            ]
        case .gh:
            return [
                "command": command("gh", "auth", "token"), "username": .text("x-access-token"),
            ]
        case .glab:
            return [
                "environment": ["secret": .text("CI_JOB_TOKEN")],
                "username": .text("gitlab-ci-token"),
            ]
        }
    }

    /// Returns the text for the label of this index in a command: the label, or `{1}` or `{2}` if
    /// it has a `*`; nil if the servers do not have it in common.
    private static func label(_ index: Int, of servers: [String]) -> String? {
        let labels = servers.map { server -> String? in
            let labels = server.split(separator: ".", omittingEmptySubsequences: false)
            guard labels.indices.contains(index), labels.count > index + 1 else { return nil }
            guard labels[index].contains("*") else { return String(labels[index]) }
            return "{\(labels[...index].count { $0.contains("*") })}"
        }
        return Set(labels).count == 1 ? labels[0] : nil
    }
}
