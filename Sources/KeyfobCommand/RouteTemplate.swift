internal import ArgumentParser
internal import Credentials
internal import JSON

/// A route template is the route for a kind of registry whose tool is known.
///
/// The commands and their output are those of aws-cli 2.9, of gcloud's and az's reference, of gh
/// 2.23, and of GitLab's predefined variables.
enum RouteTemplate: String, CaseIterable, ExpressibleByArgument {
    case aws, google, azure, github
    case gitlab = "gitlab-ci"

    private var servers: [String] {
        switch self {
        case .aws: ["*.dkr.ecr.*.amazonaws.com"]
        case .google: ["*-docker.pkg.dev", "gcr.io", "*.gcr.io"]
        case .azure: ["*.azurecr.io"]
        case .github: ["ghcr.io"]
        case .gitlab: ["registry.gitlab.com"]
        }
    }

    func route(match: [String], isOptional: Bool) -> JSON {
        let servers = match.isEmpty ? servers : match
        var members = [
            JSON.Member(
                "match", servers.count == 1 ? .name(servers[0]) : .array(servers.map(JSON.name)))
        ]
        members += source(servers)
        if isOptional { members.append(JSON.Member("optional", .bool(true))) }
        return .object(members)
    }

    private func source(_ servers: [String]) -> [JSON.Member] {
        func command(_ words: [String]) -> JSON.Member {
            JSON.Member("command", .array(words.map(JSON.name)))
        }
        switch self {
        case .aws:
            let region = RouteTemplate.label(3, of: servers).map { ["--region", $0] } ?? []
            return [
                command(
                    ["aws", "ecr", "get-authorization-token"] + region + ["--output", "json"]),
                JSON.Member("basic", .text("/authorizationData/0/authorizationToken")),
                JSON.Member("expires", .text("/authorizationData/0/expiresAt")),
            ]
        case .google:
            return [
                command(["gcloud", "config", "config-helper", "--format=json"]),
                JSON.Member("username", .text("oauth2accesstoken")),
                JSON.Member("secret", .text("/credential/access_token")),
                JSON.Member("expires", .text("/credential/token_expiry")),
            ]
        case .azure:
            let name = RouteTemplate.label(0, of: servers) ?? "{1}"
            return [
                command([
                    "az", "acr", "login", "--name", name, "--expose-token", "--output", "json",
                ]),
                JSON.Member("username", .text("00000000-0000-0000-0000-000000000000")),
                JSON.Member("secret", .text("/accessToken")),
                // The tool does not say when the token expires.
                JSON.Member("lifetime", .text("1h")),
            ]
        case .github:
            return [
                command(["gh", "auth", "token"]), JSON.Member("username", .text("x-access-token")),
            ]
        case .gitlab:
            return [
                JSON.Member("environment", ["secret": .text("CI_JOB_TOKEN")]),
                JSON.Member("username", .text("gitlab-ci-token")),
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
