/// Where a client's words come from and go to.
package protocol Channel {}
