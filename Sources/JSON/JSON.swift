internal import CJansson

package enum JSON {}
