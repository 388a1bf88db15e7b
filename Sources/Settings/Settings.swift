/// What the user has configured.
package struct Settings {}
